import { balancerNetworks, HEALTH_CHECK, realClient } from "./balancer.ts";
import { HEALTH_CACHE, HEALTH_LOCATION } from "./health.ts";
import { ISOLATION, NO_LIMIT } from "./isolation.ts";
import { HEADER_TIMEOUT, limit, limitZone, sessionsPerAddress } from "./limits.ts";
import { LISTENERS } from "../../../listeners.ts";
import type { NginxArgs } from "./args.ts";
import type { NginxSizes } from "./sizes.ts";
import { listenLines, listenPublicly } from "./listen.ts";
import { serverName } from "./names.ts";
import { RETRY_AFTER, renderRetryAfter } from "./retry-after.ts";
import { HTTPS_SOCKET, isShared } from "./stream.ts";
import { HSTS } from "./tls.ts";

const DIRECTORY = "/etc/nginx/linkmesh/current";

/** The https sites: a default that refuses unknown names, the site of domain, and the site of uiDomain if it is set. */
export function renderSites(args: NginxArgs, sizes: NginxSizes): string {
    return `# One address for each 28,000 sessions, because each address has that many local ports. max_fails=0: if they run out, the
# server has not failed.
upstream linkmesh_http {
${args.linkmeshAddresses.map((a) => `    server ${a}:${LISTENERS.https.internalPort} max_fails=0;`).join("\n")}
    keepalive 32;
}

${limitZone("linkmesh_http", sizes.workerConnections)}
${HEALTH_CACHE}
${args.balancer ? balancerNetworks(args.balancer) : ""}
${renderRetryAfter(args.collectorsExpected)}

${args.balancer ? BALANCED_DEFAULT : PUBLIC_DEFAULT}
server {
${listenForHttps(args, " backlog=4096", " so_keepalive=60s:15s:4")}
    server_name _;
    # What nginx keeps of a TLS connection fits into one block of this size. It takes the size from the default server.
    connection_pool_size 640;
    include ${DIRECTORY}/tls.inc;
${args.balancer ? balancedDefault(args, args.balancer) : REFUSAL}}

# No http2, because WebSocket's Upgrade needs HTTP/1.1.
${site(args, args.domain, args.uiDomain === "" ? "" : "    http2 off;\n", OPAMP_LOCATIONS + HEALTH_LOCATION)}${
        args.uiDomain === ""
            ? ""
            : `
# The web UI with HTTP/2. nginx 1.25.1 and newer can set it for a single name.
${site(args, args.uiDomain, "    http2 on;\n", uiLocations(args))}`
    }`;
}

const PUBLIC_DEFAULT = `# The first server of the port is the default. It refuses handshakes without our name, and requests with another name in the
# Host header.`;
const REFUSAL = `    ssl_reject_handshake on;
    ${HEADER_TIMEOUT}
    return 421;
`;

/** The load balancer may name no server in its handshake, so this one has to accept it. */
const BALANCED_DEFAULT = `# The first server of the port is the default. It answers the load balancer's handshakes and health checks, and refuses
# requests with another name in the Host header.`;

function balancedDefault(args: NginxArgs, balancer: readonly string[]): string {
    return `${certificateLines(args)}    ${HEADER_TIMEOUT}

${ISOLATION}
    ${NO_LIMIT};
${realClient(balancer)}
    location / {
        return 421;
    }

${HEALTH_CHECK}`;
}

const certificateLines = ({ certificate }: NginxArgs) => `    ssl_certificate ${certificate}/fullchain.pem;
    ssl_certificate_key ${certificate}/privkey.pem;
`;

/** On a shared port, the stream server accepts the connections and passes the client's address on by PROXY protocol. */
function listenForHttps(args: NginxArgs, options = "", tcpOptions = ""): string {
    if (isShared(args.listeners)) return listenLines([HTTPS_SOCKET], "    ", ` ssl proxy_protocol${options}`);
    return listenPublicly(args, LISTENERS.https.port, "    ", " ssl", options + tcpOptions);
}

/** Where nginx takes the client's address from. */
function clientAddress({ listeners, trustedProxies, balancer }: NginxArgs): string {
    if (balancer) return realClient(balancer);
    if (isShared(listeners)) {
        return `    # The client's address comes from the stream server in front of this one.
    set_real_ip_from unix:;
    real_ip_header proxy_protocol;
`;
    }
    if (trustedProxies.length === 0) {
        return `    # Without PROXY protocol, this takes the client's address from the connection, whatever another file sets for all sites.
    real_ip_header proxy_protocol;
`;
    }
    return `    # The client's address is the last one that is not a trusted proxy. The header of all others is dropped.
${trustedProxies.map((network) => `    set_real_ip_from ${network};`).join("\n")}
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
`;
}

function site(args: NginxArgs, name: string, http2: string, locations: string): string {
    const sessions = sessionsPerAddress(args);
    return `server {
${listenForHttps(args)}
    server_name ${serverName(name)};
${http2}    server_tokens off;

    include ${DIRECTORY}/tls.inc;
${certificateLines(args)}    ${HSTS}

${ISOLATION}
    proxy_intercept_errors off;
    recursive_error_pages off;
${clientAddress(args)}
    # Keeps one client from taking all sessions.
${sessions === undefined ? `    ${NO_LIMIT};\n` : limit("linkmesh_http", sessions, "    ")}    limit_conn_status 429;

    # Cookies, bearer tokens and redirects of single sign-on have up to 32 kB, in both directions.
    large_client_header_buffers 4 40k;
    proxy_buffer_size 40k;
    proxy_buffers 4 40k;
    proxy_busy_buffers_size 80k;

    # No buffering in memory or files: live events pass at once, and downloads and uploads at the speed of the slower side.
    proxy_buffering off;
    proxy_max_temp_file_size 0;
    proxy_request_buffering off;
    # OpAMP's plain HTTP transport and metric pushes are larger than nginx's 1 MiB.
    client_max_body_size 64m;

    # Some collectors send no heartbeats, so a silent connection stays open. TCP keep-alive finds dead peers. A client that
    # reads nothing for 60 s although data waits is disconnected.
    proxy_connect_timeout 5s;
    proxy_read_timeout 24h;
    proxy_send_timeout 24h;
    ${HEADER_TIMEOUT}
    client_body_timeout 60s;
    send_timeout 60s;

    # These overwrite what a client claims about itself. Only at server level: a location that sets a header of its own would
    # inherit none of these.
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header Forwarded "";
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $linkmesh_connection;

    # Not a map, because nginx refuses a file that sets the size of the maps' hash after a map.
    set $linkmesh_connection "";
    if ($http_upgrade) {
        set $linkmesh_connection upgrade;
    }

    error_page 429 @refused;
    error_page 502 504 @failed;

${locations}    # Web UI, REST API, enrolment and downloads.
    location / {
        proxy_pass http://linkmesh_http;
    }

    # Too many sessions of one address. No access log, because a line for each would fill the disk. The journal has them.
    location @refused {
        access_log off;
        ${RETRY_AFTER.refused}
        ${HSTS}
        return 429;
    }

    # 503 if LinkMesh is unreachable, because collectors heed Retry-After only with 503 and 429. If LinkMesh has sent
    # something, it is running, and the error log has the reason why nginx could not read it.
    location @failed {
        if ($upstream_bytes_received ~ [1-9]) {
            ${HSTS}
            return 502;
        }
        ${RETRY_AFTER.failed}
        ${HSTS}
        return 503;
    }
}
`;
}

/** The path of the location below. No request from outside gets there. */
const SESSION_PATH = "/.well-known/linkmesh-proxy/session";

const OPAMP_LOCATIONS = `    # Each session keeps a buffer of this size. Larger ones would make downloads cheaper.
    ssl_buffer_size 3k;

    # Collectors and agents. Without Upgrade it is OpAMP's plain HTTP transport.
    location ~ ^/v1/(opamp|agent)$ {
        # A handshake is a GET. A request with a body could not be repeated.
        set $linkmesh_request "$request_method $http_upgrade";
        if ($linkmesh_request ~ "^GET .") {
            rewrite ^ ${SESSION_PATH};
        }
        proxy_pass http://linkmesh_http;
    }

    # WebSockets. Each of thousands keeps two buffers of this size as long as it is open.
    location = ${SESSION_PATH} {
        internal;
        proxy_buffer_size 1k;
        proxy_pass http://linkmesh_http$request_uri;
        error_page 429 @refused;
        error_page 502 504 = @handshake_failed;
    }

    # If LinkMesh has sent something, its header did not fit. The handshake is repeated, with buffers that are larger, but not the
    # usual 40 kB, because the session keeps them.
    location @handshake_failed {
        proxy_buffer_size 8k;
        if ($upstream_bytes_received ~ [1-9]) {
            ${HSTS}
            proxy_pass http://linkmesh_http$request_uri;
            break;
        }
        ${RETRY_AFTER.failed}
        ${HSTS}
        return 503;
    }

`;

const uiLocations = ({
    domain,
}: NginxArgs) => `    # WebSocket's Upgrade does not work with HTTP/2, so collectors and agents use the other name.
    location ~ ^/v1/(opamp|agent)$ {
        default_type text/plain;
        return 404 "collectors and agents connect to wss://${domain}$uri";
    }

`;
