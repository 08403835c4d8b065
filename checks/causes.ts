import { fail, type ResolvedTarget, type Verdict } from "./types.ts";

/*
 * The usual cause of each wrong answer, and the next command to type, in backticks. What is said of the machine holds for
 * an nginx that somebody set up by hand, too.
 */

/** The commands that more than one cause needs. */
const NGINX_STATE = "on the machine: `systemctl status nginx; sudo nginx -t`";
const NGINX_ERRORS = "on the machine: `sudo tail /var/log/nginx/error.log`";
const LINKMESH_STATE = "on the machine: `systemctl status linkmesh-server; sudo journalctl -u linkmesh-server -n 50`";
const SERVER_NAMES = "on the machine: `sudo nginx -T | grep -nE 'listen|server_name'`";
const configured = (what: string) => `on the machine: \`sudo nginx -T | grep -nE '${what}'\``;

export const UNFINISHED = "the set-up has to end first: run `pulumi up` again, and mend what its error says";
export const LOOK_AT_LINKMESH = `LinkMesh is stopped, still starting, or failing; ${LINKMESH_STATE}`;

/** The connection itself. */
export const NO_ANSWER =
    "the machine is stopped, its addresses have moved, or a firewall drops the connection: the security group, httpsAllowedCidrs and grpcAllowedCidrs, or your own network; see what has changed: `pulumi preview --refresh --diff`";
export const NO_ROUTE =
    "this computer or its network lacks the route; see which ones there are: `ip route; ip -6 route`";
export const NOTHING_LISTENS = `nginx is stopped, or listens on other ports; ${NGINX_STATE}`;
export const NO_CONNECTION = `the network on the way is disturbed; ${NGINX_STATE}`;

/** TLS. */
export const NOT_TLS =
    "another program than our nginx listens there, or nginx without ssl on this port; on the machine: `sudo ss -ltnp; sudo nginx -T | grep -n listen`";
export const TLS_SILENT =
    "another program than our nginx listens there, or a firewall holds the handshake back; on the machine: `sudo ss -ltnp`";
export const UNKNOWN_NAME = `server_name in nginx is not exactly this name; ${SERVER_NAMES}`;
export const ALPN_REFUSED = `the listener offers HTTP/2 only, over which OpAMP's WebSocket does not work; ${configured("listen|http2")}`;
export const CLOSED_BEFORE_TLS =
    "a firewall or proxy on the way, or the program behind the port, ends it; on the machine: `sudo journalctl -u nginx -u linkmesh-server -n 50`";
export const OFFERS_HTTP2 = `http2 is on at this name, and a WebSocket cannot open over HTTP/2: turn it off; ${configured("http2")}`;
export const NEEDS_HTTP2 = `http2 is off at the web UI's name; ${configured("http2|server_name")}`;

/** Shows the certificates that a server sends, and who issued them. */
function showCertificates({ address, httpsPort, host }: ResolvedTarget): string {
    const where = address.includes(":") ? `[${address}]` : address;
    return `\`openssl s_client -connect ${where}:${httpsPort} -servername ${host} -showcerts </dev/null\``;
}

export function wrongCertificate(target: ResolvedTarget): string {
    return `another nginx site or another machine answers, or the certificate lacks this name; see whose it is: ${showCertificates(target)}`;
}

/** For a certificate without a trusted issuer. */
export function unknownIssuer(target: ResolvedTarget): string {
    return `nginx does not serve fullchain.pem, which has the intermediate certificate, or TLS is opened on the way, by a proxy or a virus scanner: its name is then the issuer's; see ${showCertificates(target)}`;
}

/** Certificates. */
export const SET_ANOTHER =
    "set a new tlsCertificate and its key: `pulumi config set tlsCertificate <fullchain.pem && pulumi config set --secret tlsPrivateKey <privkey.pem && pulumi up`";
export const RENEWAL_FAILS =
    "its renewal has failed; on the machine: `systemctl status certbot.timer certbot.service; sudo certbot renew --dry-run`";
export const WRONG_CLOCK = "the clock here or on the machine is wrong; compare on both: `date -u`";

/** HTTP. */
export const HTTP_SILENT = `LinkMesh hangs, or is overloaded; on the machine: \`curl -i http://127.0.0.1:8080/\``;
export const HTTP_BROKEN = `nginx ends the request, or another program answers; ${NGINX_ERRORS}`;
export const NO_HSTS = `the nginx site does not send Strict-Transport-Security; ${configured("Strict-Transport-Security")}`;
export const REDIRECT_LOOP = `LinkMesh does not know that it is reached by https: its externalUrl is wrong, or the proxy does not send X-Forwarded-Proto; ${configured("X-Forwarded-Proto")}`;
export const REDIRECT_ON_HTTPS = `the redirect of port 80 answers on the HTTPS port, or another proxy does; ${SERVER_NAMES}`;
export const UPGRADE_LOST = `the request came over HTTP/2, or a proxy drops its Upgrade and Connection headers; ${configured("http2|proxy_http_version|Upgrade")}`;
export const OPEN_TO_ALL = `LinkMesh's authentication is off; ${LINKMESH_STATE}`;
export const NOT_PROXIED = `proxy_pass in the nginx site does not lead to LinkMesh; ${configured("location|proxy_pass")}`;

/** The program that answered, if it says that it is another than nginx. A proxy that passes an answer on says so in Via. */
export function otherServer({ server, via }: Partial<Record<string, string | string[]>>): string | undefined {
    const name = server !== undefined && !/^nginx\b/i.test(String(server)) ? server : via;
    return name === undefined ? undefined : `"${String(name).slice(0, 60)}"`;
}

/** For an answer of something on the way. */
export function middlebox(target: ResolvedTarget, path: string): string {
    return `a firewall, a proxy of your network or a CDN answers before our nginx: let ${target.host} pass it unopened, with WebSocket, or check from elsewhere; ${look(target, path)}`;
}

export function look({ host, httpsPort, address }: ResolvedTarget, path: string): string {
    return `see the answer: \`curl -i --resolve ${host}:${httpsPort}:${address} https://${host}:${httpsPort}${path}\``;
}

/** The health URL. */
export const NOT_WELL =
    "`npm run doctor -- --stack` names it; or on the machine: `/usr/local/lib/linkmesh-proxy/health`";
export const NODE_NOT_WELL = "`npm run doctor -- --stack` has more";
export const NO_HEALTH = `nginx does not use this program's configuration, or another version wrote it; see what differs: \`pulumi preview --diff\``;

/** Port 80. */
export const DEFAULT_SITE = `another site, such as Debian's default one, listens on port 80; ${SERVER_NAMES}`;
export const LITERAL_NAME = `the redirect does not hold the literal host name: return 301 https://HOST$request_uri; ${configured("return 301")}`;
export const COVERED_CHALLENGES = `the redirect stands outside of location /, so renewals will fail: put it there, and the challenges into location ^~ /.well-known/acme-challenge/; ${configured("return 301|acme-challenge")}`;
export const CHALLENGES_REFUSED = `the location of the challenges, or the mode of its directory, is wrong; ${configured("acme-challenge")}`;
export const WITH_301 = `some clients change the method on others; ${configured("return 30")}`;

/** gRPC. */
export const GRPC_TERMINATED = `nginx ends TLS on this port: use its stream module, and no ssl on the listener; ${configured("listen .*50051|ssl_preread|stream")}`;
export const GRPC_NAME_TERMINATED = `nginx ends TLS at this name: route it to LinkMesh with the stream module and ssl_preread; ${configured("ssl_preread|map |server_name")}`;
export const NOT_GRPC = `the port leads to another listener than LinkMesh's gRPC, which requires a client certificate; ${configured("proxy_pass")}`;

export function certInit(host: string): string {
    return `LinkMesh's certificate was made without this name, or is old; with LinkMesh stopped, on the machine: \`sudo runuser -u linkmesh -- linkmesh-server cert init --san dns:${host}\``;
}

/** Names and addresses. */
export const MISSING_RECORD =
    "the records are missing, or the zone is not delegated: `pulumi stack output dnsRecords` lists them, and `pulumi up --refresh` writes those in Route 53 again";
export const WRONG_RECORD =
    "somebody changed the records, or a cache still has the old ones: `pulumi stack output dnsRecords` lists the right ones, and `pulumi up --refresh` writes those in Route 53 again";
export const RESOLVER_DOWN = "this computer's resolver does not work; see which one it is: `cat /etc/resolv.conf`";
export const OPEN_PORT =
    "the security group was changed, or has another one beside it, and these ports bypass the proxy; see what differs: `pulumi preview --refresh --diff`";

/** For 502, 503 and 504. */
export function linkmeshDown(status: number): Verdict {
    return fail(`${status}: the proxy answers, but LinkMesh behind it does not`, LOOK_AT_LINKMESH);
}

/** For 421. */
export function noSite(host: string): Verdict {
    return fail(`421: the proxy has no site for the name ${host}`, UNKNOWN_NAME);
}
