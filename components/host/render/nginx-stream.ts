import type { NginxArgs } from "./nginx.ts";
import { everywhere, listen } from "./nginx-listen.ts";

/** Between the stream server of a shared port and the https sites. No port: a local one for each session would run out. */
export const HTTPS_SOCKET = "unix:/run/linkmesh-https.sock";
const GRPC_SOCKET = "unix:/run/linkmesh-grpc.sock";

/** The TCP side, outside of http: gRPC passed through on a port of its own, or told from https by name on the same. */
export function renderStream(args: NginxArgs, openFiles: number, addresses: readonly string[]): string {
    const limit = `worker_rlimit_nofile ${openFiles};\n`;
    const { grpc } = args;
    if (!grpc) return limit;
    const upstream = `    upstream linkmesh_grpc {
${addresses.map((a) => `        server ${a}:50061 max_fails=0;`).join("\n")}
    }
`;
    return `${limit}
stream {
    log_format linkmesh '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';
    limit_conn_zone $binary_remote_addr zone=linkmesh_grpc:10m;

${upstream}
${grpc.shared ? shared(args, grpc.host) : ownPort(args, grpc.port)}}
`;
}

const TO_LINKMESH = `        access_log /var/log/nginx/linkmesh-grpc.log linkmesh;
        proxy_pass linkmesh_grpc;
        proxy_connect_timeout 5s;
        proxy_timeout 2h;
        proxy_socket_keepalive on;
        limit_conn linkmesh_grpc 2000;
`;

/** Agents stay connected for long, and reconnect all at once. */
const FOR_AGENTS = " backlog=4096 so_keepalive=60s:15s:4";

function ownPort(args: NginxArgs, port: number): string {
    return `    # mTLS between agent and LinkMesh, passed through as it is.
    server {
${listen(everywhere(args, port), "        ", FOR_AGENTS)}
${TO_LINKMESH}    }
`;
}

function shared(args: NginxArgs, host: string): string {
    return `    # nginx's own size ends at names of 46 characters.
    map_hash_bucket_size 512;
    map $ssl_preread_server_name $linkmesh_edge {
        ${host} ${GRPC_SOCKET};
        default ${HTTPS_SOCKET};
    }

    # The name in the handshake decides; nothing is decrypted here.
    server {
${listen(everywhere(args, 443), "        ", FOR_AGENTS)}
        ssl_preread on;
        preread_timeout 10s;
        proxy_pass $linkmesh_edge;
        # The client's address, for both: it can be told to all upstreams of a server only.
        proxy_protocol on;
        proxy_timeout 2h;
    }

    # mTLS between agent and LinkMesh, passed through as it is once the PROXY header, which LinkMesh does not know, is off.
    server {
        listen ${GRPC_SOCKET} proxy_protocol;
        set_real_ip_from unix:;
${TO_LINKMESH}    }
`;
}
