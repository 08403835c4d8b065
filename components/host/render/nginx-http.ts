import type { NginxArgs } from "./nginx.ts";
import { everywhere, listen } from "./nginx-listen.ts";
import { HTTPS_SOCKET } from "./nginx-stream.ts";

const FOLDER = "/etc/nginx/linkmesh/current";

/** The https sites: that of collectors, that of people when it has a name of its own, and none for all other names. */
export function renderSites(args: NginxArgs, addresses: readonly string[]): string {
    return `map $http_upgrade $linkmesh_connection {
    default upgrade;
    '' '';
}

# One address for each 28,000 sessions: more local ports there are not. A port that runs out is no failed server.
upstream linkmesh_http {
${addresses.map((a) => `    server ${a}:8080 max_fails=0;`).join("\n")}
    keepalive 32;
}

limit_conn_zone $binary_remote_addr zone=linkmesh_http:10m;

# Without our name in the handshake there is no handshake; with another one in the Host header there is no answer.
server {
${listenForHttps(args, " default_server backlog=4096", " so_keepalive=60s:15s:4")}
    server_name _;
    include ${FOLDER}/tls.inc;
    ssl_reject_handshake on;
    return 421;
}

# No http2: WebSocket's Upgrade belongs to HTTP/1.1.
${site(args, args.domain, "", OPAMP)}${
        args.uiDomain === ""
            ? ""
            : `
# For people: HTTP/2 for the one name, which nginx can since 1.25.1.
${site(args, args.uiDomain, "    http2 on;\n", noOpamp(args))}`
    }`;
}

/** In front of a shared port stands the stream server, which tells the client's address by PROXY protocol. */
function listenForHttps(args: NginxArgs, options = "", tcpOptions = ""): string {
    if (args.grpc?.shared) return listen([HTTPS_SOCKET], "    ", ` ssl proxy_protocol${options}`);
    return listen(everywhere(args, 443), "    ", ` ssl${options}${tcpOptions}`);
}

/** Whose word about the client's address is taken. */
function clientAddress({ grpc, trustedHops }: NginxArgs): string {
    if (grpc?.shared) {
        return `    # From the stream server before this one.
    set_real_ip_from unix:;
    real_ip_header proxy_protocol;

`;
    }
    if (trustedHops.length === 0) return "";
    return `    # The last address that no trusted hop has; what others say is dropped.
${trustedHops.map((hop) => `    set_real_ip_from ${hop};`).join("\n")}
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;

`;
}

function site(args: NginxArgs, name: string, http2: string, opamp: string): string {
    return `server {
${listenForHttps(args)}
    server_name ${name};
${http2}    server_tokens off;

    include ${FOLDER}/tls.inc;
    ssl_certificate ${args.certificate}/fullchain.pem;
    ssl_certificate_key ${args.certificate}/privkey.pem;
    add_header Strict-Transport-Security "max-age=63072000" always;

    # OpAMP's plain HTTP transport and metric pushes are larger than nginx's 1 MiB.
    client_max_body_size 64m;
    # A whole site may sit behind one address.
    limit_conn linkmesh_http 5000;
    limit_conn_status 429;

${clientAddress(args)}    # ${args.trustedHops.length === 0 ? "nginx is the first hop: what a client claims about itself is overwritten" : "What a client claims about itself is overwritten"}. A location that sets a header of its
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

${opamp}
    # Everything else: UI, REST, enrolment, downloads. Live views stay open, so the silence allowed is the same.
    location / {
        proxy_pass http://linkmesh_http;
        proxy_read_timeout 300s;
        proxy_send_timeout 300s;
        error_page 502 504 =503 @busy;
    }

    # Collectors heed Retry-After with 503 only.
    location @busy {
        internal;
        add_header Retry-After 30 always;
        add_header Strict-Transport-Security "max-age=63072000" always;
        return 503;
    }
}
`;
}

const OPAMP = `    # OpAMP: a heartbeat every 30 s, so that 300 s of silence means a dead peer.
    location = /v1/opamp {
        proxy_pass http://linkmesh_http;
        proxy_read_timeout 300s;
        proxy_send_timeout 300s;
        error_page 502 504 =503 @busy;
    }
`;

const noOpamp = ({
    domain,
}: NginxArgs) => `    # A client that takes HTTP/2 here would lose the Upgrade: OpAMP has the other name.
    location = /v1/opamp {
        default_type text/plain;
        return 404 "OpAMP is at wss://${domain}/v1/opamp";
    }
`;
