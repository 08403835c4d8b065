import { ISOLATION, NO_LIMIT } from "./isolation.ts";
import { limit, limitZone, sessionsPerAddress } from "./limits.ts";
import { LISTENERS } from "../../../listeners.ts";
import type { NginxArgs } from "./args.ts";
import type { NginxSizes } from "./sizes.ts";
import { allAddresses, listenLines } from "./listen.ts";
import { serverName } from "./names.ts";
import { HTTPS_SOCKET, isShared } from "./stream.ts";
import { HSTS_SECONDS } from "./tls.ts";

const FOLDER = "/etc/nginx/linkmesh/current";

/** The https sites: that of collectors, that of people when it has a name of its own, and none for all other names. */
export function renderSites(args: NginxArgs, sizes: NginxSizes): string {
    return `# One address for each 28,000 sessions: more local ports there are not. A port that runs out is no failed server.
upstream linkmesh_http {
${args.linkmeshAddresses.map((a) => `    server ${a}:${LISTENERS.https.internalPort} max_fails=0;`).join("\n")}
    keepalive 32;
}

${limitZone("linkmesh_http", sizes.workerConnections)}

# The default, as the first server of the port: without our name in the handshake there is no handshake; with another one
# in the Host header there is no answer.
server {
${listenForHttps(args, " backlog=4096", " so_keepalive=60s:15s:4")}
    server_name _;
    include ${FOLDER}/tls.inc;
    ssl_reject_handshake on;
    return 421;
}

# No http2: WebSocket's Upgrade belongs to HTTP/1.1.
${site(args, args.domain, args.uiDomain === "" ? "" : "    http2 off;\n", FOR_COLLECTORS)}${
        args.uiDomain === ""
            ? ""
            : `
# For people: HTTP/2 for the one name, which nginx can since 1.25.1.
${site(args, args.uiDomain, "    http2 on;\n", forPeople(args))}`
    }`;
}

/** In front of a shared port stands the stream server, which tells the client's address by PROXY protocol. */
function listenForHttps(args: NginxArgs, options = "", tcpOptions = ""): string {
    if (isShared(args.listeners)) return listenLines([HTTPS_SOCKET], "    ", ` ssl proxy_protocol${options}`);
    return listenLines(allAddresses(args, LISTENERS.https.port), "    ", ` ssl${options}${tcpOptions}`);
}

/** Whose word about the client's address is taken. */
function clientAddress({ listeners, trustedProxies }: NginxArgs): string {
    if (isShared(listeners)) {
        return `    # From the stream server before this one.
    set_real_ip_from unix:;
    real_ip_header proxy_protocol;
`;
    }
    if (trustedProxies.length === 0) {
        return `    # The connection's own, as there is no PROXY protocol here, whatever another file says for all sites.
    real_ip_header proxy_protocol;
`;
    }
    return `    # The last address that no trusted hop has; what others say is dropped.
${trustedProxies.map((hop) => `    set_real_ip_from ${hop};`).join("\n")}
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

    include ${FOLDER}/tls.inc;
    ssl_certificate ${args.certificate}/fullchain.pem;
    ssl_certificate_key ${args.certificate}/privkey.pem;
    ${HSTS}

${ISOLATION}
    proxy_intercept_errors off;
    recursive_error_pages off;
${clientAddress(args)}
    # One client does not get everything.
${sessions === undefined ? `    ${NO_LIMIT};\n` : limit("linkmesh_http", sessions, "    ")}    limit_conn_status 429;

    # Single sign-on makes cookies, bearer tokens and redirects of up to 32 kB, in either direction.
    large_client_header_buffers 4 40k;
    proxy_buffer_size 40k;
    proxy_buffers 4 40k;
    proxy_busy_buffers_size 80k;

    # Nothing is collected here, neither in memory nor in files: live events pass as they come, downloads and uploads as
    # fast as the slower side takes them.
    proxy_buffering off;
    proxy_max_temp_file_size 0;
    proxy_request_buffering off;
    # OpAMP's plain HTTP transport and metric pushes are larger than nginx's 1 MiB.
    client_max_body_size 64m;

    # Silence is no fault: there are collectors without heartbeats. TCP keep-alive finds the peers that are gone, and who
    # does not read what is there for 60 s is let go.
    proxy_connect_timeout 5s;
    proxy_read_timeout 24h;
    proxy_send_timeout 24h;
    client_body_timeout 60s;
    send_timeout 60s;

    # ${args.trustedProxies.length === 0 ? "nginx is the first hop: what a client claims about itself is overwritten" : "What a client claims about itself is overwritten"}. A location that sets a header of its
    # own would lose all of these.
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header Forwarded "";
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $linkmesh_connection;

    # Not by a map: a file that sets the size of its hash after it, or a map before ours, would be in the way.
    set $linkmesh_connection "";
    if ($http_upgrade) {
        set $linkmesh_connection upgrade;
    }

    error_page 429 @refused;
    error_page 502 504 @failed;

${locations}    # UI, REST, enrolment, downloads.
    location / {
        proxy_pass http://linkmesh_http;
    }

    # Too many sessions of one address. The journal has it, a line each would fill the disk.
    location @refused {
        access_log off;
        add_header Retry-After 60 always;
        ${HSTS}
        return 429;
    }

    # Collectors heed Retry-After with 503 only, so that is for a LinkMesh that is not there. One that sent something is
    # there, and the reason why it could not be read is in the error log.
    location @failed {
        if ($upstream_bytes_received ~ [1-9]) {
            ${HSTS}
            return 502;
        }
        add_header Retry-After 30 always;
        ${HSTS}
        return 503;
    }
}
`;
}

const HSTS = `add_header Strict-Transport-Security "max-age=${HSTS_SECONDS}" always;`;

const FOR_COLLECTORS = `    # The WebSockets of collectors and agents. Each keeps its buffers as long as it is open, and there are thousands.
    location ~ ^/v1/(opamp|agent)$ {
        proxy_buffer_size 8k;
        proxy_pass http://linkmesh_http;
    }

`;

const forPeople = ({
    domain,
}: NginxArgs) => `    # A client that takes HTTP/2 here would lose the Upgrade: collectors and agents have the other name.
    location ~ ^/v1/(opamp|agent)$ {
        default_type text/plain;
        return 404 "collectors and agents connect to wss://${domain}$uri";
    }

`;
