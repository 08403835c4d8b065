import { createHash } from "node:crypto";

export interface NginxArgs {
    /** The public hostname. */
    domain: string;
    /** Collectors and agents connected at once. */
    collectorsExpected: number;
    /** The certificate's folder below /etc/letsencrypt/live. */
    lineage: string;
}

/** nginx's configuration: the text of each file and the sizes that other places need. */
export interface NginxConfig {
    /** Names the content, so that what is served can be told from what was before; 12 hexadecimal digits. */
    revision: string;
    files: Record<NginxFile, string>;
    workerConnections: number;
    openFiles: number;
    sysctl: string;
}

export type NginxFile = "http-redirect.conf" | "http-linkmesh.conf" | "main-stream.conf" | "tls.inc" | "ports";

const FOLDER = "/etc/nginx/linkmesh/current";
/** Local ports from one source to one upstream address, with the range of {@link renderSysctl} and room to spare. */
const SESSIONS_PER_ADDRESS = 28_000;
/** The fewest processors that the instance types in question have. */
const WORKERS = 2;

/** The configuration for one public hostname. Pure; facts behind each line are in docs/nginx.md. */
export function renderNginx(args: NginxArgs): NginxConfig {
    const sizes = size(args.collectorsExpected);
    const files = (revision: string): Record<NginxFile, string> => ({
        "http-redirect.conf": redirect(args.domain, revision),
        "http-linkmesh.conf": site(args, sizes.upstreamAddresses),
        "main-stream.conf": stream(sizes.openFiles, sizes.upstreamAddresses),
        "tls.inc": TLS,
        ports: "80\n443\n50051\n",
    });
    const revision = createHash("sha256")
        .update(JSON.stringify(files("")))
        .digest("hex")
        .slice(0, 12);
    return { revision, files: files(revision), ...sizes, sysctl: renderSysctl() };
}

/** What is served while there is no certificate yet: port 80 alone. */
export function renderPort80({ domain }: Pick<NginxArgs, "domain">): Pick<NginxConfig, "revision"> & {
    files: Pick<NginxConfig["files"], "http-redirect.conf" | "ports">;
} {
    return { revision: "port-80", files: { "http-redirect.conf": redirect(domain, "port-80"), ports: "80\n" } };
}

/** Each session takes two connections and two open files of one worker; half as many again for uneven shares. */
export function size(collectors: number) {
    const perWorker = Math.ceil((2 * collectors * 1.5) / WORKERS);
    const workerConnections = Math.max(4096, 2 ** Math.ceil(Math.log2(perWorker)));
    return {
        workerConnections,
        openFiles: Math.max(65_536, 2 * workerConnections),
        upstreamAddresses: Array.from(
            { length: Math.ceil(collectors / SESSIONS_PER_ADDRESS) },
            (_, i) => `127.0.0.${i + 1}`,
        ),
    };
}

/** LinkMesh's ports lie inside the range for outgoing connections, one of which could hold them when it restarts. */
function renderSysctl(): string {
    return [
        "# Room for nginx's connections to LinkMesh: one local port for each session.",
        "net.ipv4.ip_local_port_range = 10240 65000",
        "# The listeners' own ports, which no outgoing connection may take meanwhile.",
        "net.ipv4.ip_local_reserved_ports = 50051,50061",
        "",
    ].join("\n");
}

function redirect(domain: string, revision: string): string {
    return `server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    server_tokens off;

    # A redirect at server level would answer before this location does.
    location ^~ /.well-known/acme-challenge/ {
        root /var/www/acme;
        default_type text/plain;
        try_files $uri =404;
    }

    # Tells the machine itself which configuration is in use.
    location = /.well-known/linkmesh-proxy {
        if ($remote_addr !~ ^(127\\.0\\.0\\.1|::1)$) {
            return 404;
        }
        default_type text/plain;
        return 200 "${revision}";
    }

    # The name is written out: $host would be whatever the client claims.
    location / {
        return 301 https://${domain}$request_uri;
    }
}
`;
}

function site({ domain, lineage }: NginxArgs, addresses: readonly string[]): string {
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
    listen 443 ssl default_server backlog=4096 so_keepalive=60s:15s:4;
    listen [::]:443 ssl default_server backlog=4096 so_keepalive=60s:15s:4;
    server_name _;
    include ${FOLDER}/tls.inc;
    ssl_reject_handshake on;
    return 421;
}

# No http2: WebSocket's Upgrade belongs to HTTP/1.1.
server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name ${domain};
    server_tokens off;

    include ${FOLDER}/tls.inc;
    ssl_certificate /etc/letsencrypt/live/${lineage}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/${lineage}/privkey.pem;
    add_header Strict-Transport-Security "max-age=63072000" always;

    # OpAMP's plain HTTP transport and metric pushes are larger than nginx's 1 MiB.
    client_max_body_size 64m;
    # A whole site may sit behind one address.
    limit_conn linkmesh_http 5000;
    limit_conn_status 429;

    # nginx is the first hop: what a client claims about itself is overwritten. A location that sets a header of its
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

    # OpAMP: a heartbeat every 30 s, so that 300 s of silence means a dead peer.
    location = /v1/opamp {
        proxy_pass http://linkmesh_http;
        proxy_read_timeout 300s;
        proxy_send_timeout 300s;
        error_page 502 504 =503 @busy;
    }

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

function stream(openFiles: number, addresses: readonly string[]): string {
    return `worker_rlimit_nofile ${openFiles};

stream {
    log_format linkmesh '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';
    access_log /var/log/nginx/linkmesh-grpc.log linkmesh;
    limit_conn_zone $binary_remote_addr zone=linkmesh_grpc:10m;

    upstream linkmesh_grpc {
${addresses.map((a) => `        server ${a}:50061 max_fails=0;`).join("\n")}
    }

    # mTLS between agent and LinkMesh, passed through as it is.
    server {
        listen 50051 backlog=4096 so_keepalive=60s:15s:4;
        listen [::]:50051 backlog=4096 so_keepalive=60s:15s:4;
        proxy_pass linkmesh_grpc;
        proxy_connect_timeout 5s;
        proxy_timeout 2h;
        proxy_socket_keepalive on;
        limit_conn linkmesh_grpc 2000;
    }
}
`;
}

/**
 * Mozilla's "intermediate", guidelines 5.8. Read by both servers of port 443, since most of it counts from the default
 * server. No list of curves: OpenSSL's own has X25519MLKEM768 where it is known, and nginx does not start where it is not.
 */
const TLS = `ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
ssl_prefer_server_ciphers off;
ssl_session_timeout 1d;
ssl_session_cache shared:linkmesh:10m;
ssl_session_tickets off;
`;
