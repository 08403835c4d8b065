import { expect, test } from "vitest";
import type { CheckName, Target } from "../../checks/index.ts";
import { expectCommand } from "../unit/next-command.ts";
import { HOST, status, type Faults } from "./checks-site.ts";
import { PUBLIC_ROOTS, sites } from "./checks-table.ts";
import { freePort } from "./free-port.ts";
import { TestCa } from "./test-ca.ts";

// What goes wrong in the life of a stack: each situation is recognized by the check and the cause that it is known by.

const { trust, check } = sites();

interface Situation {
    faults?: Faults | (() => Promise<Faults>);
    change?: Partial<Target> | (() => Promise<Partial<Target>>);
    name: CheckName;
    detail: RegExp;
    hint: RegExp;
}

/** The output of a script on the machine, in place of the machine. */
const machinePrints = (text: string) => ({ ssh: ["sh", "-c", `echo '${text}'`] });

test.each<[string, Situation]>([
    [
        "nginx is stopped",
        {
            change: async () => ({ httpsPort: await freePort() }),
            name: "https",
            detail: /^nothing listens on 127\.0\.0\.1 port \d+$/,
            hint: /^nginx is stopped, .*`systemctl status nginx; sudo nginx -t`$/,
        },
    ],
    [
        "LinkMesh is stopped",
        {
            faults: { upgrade: status("502 Bad Gateway", "Server: nginx") },
            name: "opamp",
            detail: /^502: the proxy answers, but LinkMesh behind it does not$/,
            hint: /^LinkMesh is stopped, .*`systemctl status linkmesh-server; /,
        },
    ],
    [
        "LinkMesh is stopped behind the gRPC port",
        {
            faults: { rawGrpc: (socket) => socket.destroy() },
            name: "grpc",
            detail: /LinkMesh's gRPC behind it does not answer$/,
            hint: /^LinkMesh is stopped, /,
        },
    ],
    [
        "the certificate has expired",
        {
            faults: async () => ({ publicPair: await trust.publicCa.issue([HOST], { from: -80, to: -1 }) }),
            name: "certificate",
            detail: /has expired/,
            hint: /^its renewal has failed; .*certbot\.service; sudo certbot renew --dry-run`$/,
        },
    ],
    [
        "the certificate is renewed, but not reloaded",
        {
            change: machinePrints("file B /live/fullchain.pem\nserved A"),
            name: "served",
            detail: /^nginx serves the certificate with serial a, but \/live\/fullchain\.pem holds b: its reload failed$/,
            hint: /`sudo nginx -t && sudo systemctl reload nginx`$/,
        },
    ],
    [
        "HTTP/2 is switched on",
        {
            faults: { names: ["ui"], http2: "too" },
            name: "https",
            detail: /also offers HTTP\/2/,
            hint: /^http2 is on at this name, .*`sudo nginx -T \| grep -nE 'http2'`$/,
        },
    ],
    [
        "the Upgrade header is lost",
        {
            faults: { upgrade: status("400 Bad Request", "Server: nginx/1.26.3") },
            name: "opamp",
            detail: /^400: LinkMesh receives no WebSocket upgrade$/,
            hint: /^the request came over HTTP\/2, or a proxy drops its Upgrade and Connection headers;/,
        },
    ],
    [
        "port 80's redirect answers on the HTTPS port",
        {
            faults: { upgrade: status("301 Moved", `Location: https://${HOST}/`, "Server: nginx") },
            name: "opamp",
            detail: /^301 to https:.*port 80/,
            hint: /^the redirect of port 80 answers on the HTTPS port/,
        },
    ],
    [
        "gRPC's TLS is ended by mistake",
        {
            faults: () => Promise.resolve({ grpcPair: trust.publicPair, grpc: { requestCert: false } }),
            name: "grpc",
            detail: /^TLS ends at the proxy: .* presents the public certificate/,
            hint: /^nginx ends TLS on this port: use its stream module/,
        },
    ],
    [
        "a middlebox answers the OpAMP handshake",
        {
            faults: { upgrade: status("403 Forbidden", "Server: squid/6.1") },
            name: "opamp",
            detail: /^403: "squid\/6\.1" answers instead of our nginx$/,
            hint: /^a firewall, a proxy of your network or a CDN answers before our nginx.*`curl -i --resolve /,
        },
    ],
    [
        "a middlebox answers the web UI",
        {
            faults: { https: (_, response) => response.writeHead(511, { server: "portal" }).end() },
            name: "https",
            detail: /^511: "portal" answers instead of our nginx$/,
            hint: /CDN answers before our nginx/,
        },
    ],
    [
        "TLS is opened on the way",
        {
            faults: async () => ({
                publicPair: await (await TestCa.create("CN=Example Corp Inspection")).issue([HOST]),
            }),
            change: PUBLIC_ROOTS,
            name: "https",
            detail: /certificate of Example Corp Inspection does not chain to a trusted root/,
            hint: /TLS is opened on the way, by a proxy or a virus scanner.*`openssl s_client -connect 127\.0\.0\.1:\d+ -servername linkmesh/,
        },
    ],
    [
        "something that is not our nginx has the HTTPS port",
        {
            faults: { rawHttps: (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n") },
            name: "https",
            detail: /does not speak TLS$/,
            hint: /^another program than our nginx listens there.*`sudo ss -ltnp/,
        },
    ],
    [
        "the machine shows another host key",
        {
            change: { ssh: ["sh", "-c", "echo 'Host key verification failed.' >&2; exit 255"] },
            name: "served",
            detail: /^the command over SSH failed: Host key verification failed\.$/,
            hint: /^ssh does not know the host key .*`pulumi stack output sshHostKey`$/,
        },
    ],
    [
        "the machine refuses the key",
        {
            change: { ssh: ["sh", "-c", "echo 'admin@127.0.0.1: Permission denied (publickey).' >&2; exit 255"] },
            name: "served",
            detail: /^the command over SSH failed: admin@127\.0\.0\.1: Permission denied/,
            hint: /the key is another \(--key\), the machine was replaced/,
        },
    ],
])("%s", async (_, { faults = {}, change = {}, name, detail, hint }) => {
    const given = typeof faults === "function" ? await faults() : faults;
    const [result] = await check(given, typeof change === "function" ? await change() : change, [name]);
    expect(result).toMatchObject({ name, status: "fail" });
    expect(result!.detail).toMatch(detail);
    expect(result!.hint).toMatch(hint);
    expectCommand(result!.hint);
});
