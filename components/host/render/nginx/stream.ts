import { limit, limitZone, sessionsPerAddress } from "./limits.ts";
import { allAddresses, listenLines } from "./listen.ts";
import { nameExpression } from "./names.ts";
import type { NginxArgs } from "./args.ts";
import type { NginxSizes } from "./sizes.ts";

/** Between the stream server of a shared port and the https sites. No port: a local one for each session would run out. */
export const HTTPS_SOCKET = "unix:/run/linkmesh-https.sock";
const GRPC_SOCKET = "unix:/run/linkmesh-grpc.sock";

/** The TCP side, outside of http: gRPC passed through on a port of its own, or told from https by name on the same. */
export function renderStream(args: NginxArgs, sizes: NginxSizes): string {
    const { grpc } = args;
    if (!grpc) return "";
    return `stream {
    log_format linkmesh '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';
    # Who is refused for too many sessions gets no line.
    map $limit_conn_status $linkmesh_admitted {
        REJECTED '';
        default 1;
    }
    ${limitZone("linkmesh_grpc", sizes.workerConnections)}

    upstream linkmesh_grpc {
${sizes.upstreamAddresses.map((a) => `        server ${a}:50061 max_fails=0;`).join("\n")}
    }

${grpc.shared ? shared(args, grpc.host) : ownPort(args, grpc.port)}}
`;
}

/** Behind a hop all agents have its address, so there they are not counted. */
function toLinkmesh(args: NginxArgs): string {
    const sessions = args.trustedProxies.length === 0 ? sessionsPerAddress(args) : undefined;
    return `        access_log /var/log/nginx/linkmesh-grpc.log linkmesh if=$linkmesh_admitted;
        proxy_pass linkmesh_grpc;
        proxy_connect_timeout 5s;
        # Silence is no fault: TCP keep-alive finds the peers that are gone.
        proxy_timeout 24h;
        proxy_socket_keepalive on;
${sessions === undefined ? "" : limit("linkmesh_grpc", sessions, "        ")}`;
}

/** Agents stay connected for long, and reconnect all at once. */
const FOR_AGENTS = " backlog=4096 so_keepalive=60s:15s:4";

function ownPort(args: NginxArgs, port: number): string {
    return `    # mTLS between agent and LinkMesh, passed through as it is.
    server {
${listenLines(allAddresses(args, port), "        ", FOR_AGENTS)}
${toLinkmesh(args)}    }
`;
}

function shared(args: NginxArgs, host: string): string {
    return `    map $ssl_preread_server_name $linkmesh_edge {
        ~*${nameExpression(host)} ${GRPC_SOCKET};
        default ${HTTPS_SOCKET};
    }

    # The name in the handshake decides; nothing is decrypted here.
    server {
${listenLines(allAddresses(args, 443), "        ", FOR_AGENTS)}
        ssl_preread on;
        preread_timeout 10s;
        proxy_pass $linkmesh_edge;
        # The client's address, for both: it can be told to all upstreams of a server only.
        proxy_protocol on;
        proxy_timeout 24h;
        # The servers behind it are nginx's own, and say themselves what is wrong; one that refuses would count twice.
        error_log /var/log/nginx/error.log crit;
    }

    # mTLS between agent and LinkMesh, passed through as it is once the PROXY header, which LinkMesh does not know, is off.
    server {
        listen ${GRPC_SOCKET} proxy_protocol;
        set_real_ip_from unix:;
${toLinkmesh(args)}    }
`;
}
