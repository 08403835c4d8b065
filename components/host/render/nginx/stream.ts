import type { Listener } from "../../../listeners.ts";
import type { NginxArgs } from "./args.ts";
import { limit, limitZone, sessionsPerAddress } from "./limits.ts";
import { allAddresses, listenLines } from "./listen.ts";
import { nameExpression } from "./names.ts";
import type { NginxSizes } from "./sizes.ts";

type StreamArgs = Pick<
    NginxArgs,
    "listeners" | "linkmeshAddresses" | "ipv6" | "trustedProxies" | "collectorsExpected" | "sessionsPerAddress"
>;

/** Between the stream server of a shared port and the https sites. No port: a local one for each session would run out. */
export const HTTPS_SOCKET = "unix:/run/linkmesh-https.sock";

/** The listeners whose bytes reach LinkMesh as they are. */
const passedThrough = (listeners: readonly Listener[]) => listeners.filter(({ tls }) => tls === "passed through");

/** True if a name in the handshake decides who gets a session of the https port. */
export const isShared = (listeners: readonly Listener[]) => listeners.some((one) => one.serverName !== undefined);

/** The TCP side, outside of http: what is passed through, on a port of its own or told from https by name on the same. */
export function renderStream(args: StreamArgs, sizes: NginxSizes): string {
    const all = passedThrough(args.listeners);
    if (all.length === 0) return "";
    const own = all.filter(({ serverName }) => serverName === undefined);
    const servers = [...(isShared(all) ? [sharedPort(args)] : []), ...own.map((one) => ownPort(args, one))];
    return `stream {
    log_format linkmesh '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';
    # Who is refused for too many sessions gets no line.
    map $limit_conn_status $linkmesh_admitted {
        REJECTED '';
        default 1;
    }
${all.map((one) => upstream(args, one, sizes)).join("\n")}
${servers.join("\n")}}
`;
}

function upstream(args: StreamArgs, { name, internalPort }: Listener, { workerConnections }: NginxSizes): string {
    return `    ${limitZone(`linkmesh_${name}`, workerConnections)}

    upstream linkmesh_${name} {
${args.linkmeshAddresses.map((address) => `        server ${address}:${internalPort} max_fails=0;`).join("\n")}
    }
`;
}

/** Behind trusted proxies all agents have their addresses, so there they are not counted. */
function toLinkmesh(args: StreamArgs, { name }: Listener): string {
    const sessions = args.trustedProxies.length === 0 ? sessionsPerAddress(args) : undefined;
    return `        access_log /var/log/nginx/linkmesh-${name}.log linkmesh if=$linkmesh_admitted;
        proxy_pass linkmesh_${name};
        proxy_connect_timeout 5s;
        # Silence is no fault: TCP keep-alive finds the peers that are gone.
        proxy_timeout 24h;
        proxy_socket_keepalive on;
${sessions === undefined ? "" : limit(`linkmesh_${name}`, sessions, "        ")}`;
}

/** Agents stay connected for long, and reconnect all at once. */
const FOR_AGENTS = " backlog=4096 so_keepalive=60s:15s:4";

function ownPort(args: StreamArgs, listener: Listener): string {
    return `    # mTLS between agent and LinkMesh, passed through as it is.
    server {
${listenLines(allAddresses(args, listener.port), "        ", FOR_AGENTS)}
${toLinkmesh(args, listener)}    }
`;
}

const socketOf = ({ name }: Listener) => `unix:/run/linkmesh-${name}.sock`;

function sharedPort(args: StreamArgs): string {
    const { port } = args.listeners.find(({ name }) => name === "https")!;
    const named = args.listeners.filter(({ serverName }) => serverName !== undefined);
    return `    map $ssl_preread_server_name $linkmesh_edge {
${named.map((one) => `        ~*${nameExpression(one.serverName!)} ${socketOf(one)};`).join("\n")}
        default ${HTTPS_SOCKET};
    }

    # The name in the handshake decides; nothing is decrypted here.
    server {
${listenLines(allAddresses(args, port), "        ", FOR_AGENTS)}
        ssl_preread on;
        preread_timeout 10s;
        proxy_pass $linkmesh_edge;
        # The client's address, for both: it can be told to all upstreams of a server only.
        proxy_protocol on;
        proxy_timeout 24h;
        # The servers behind it are nginx's own, and say themselves what is wrong; one that refuses would count twice.
        error_log /var/log/nginx/error.log crit;
    }

${named.map((one) => behindSharedPort(args, one)).join("\n")}`;
}

function behindSharedPort(args: StreamArgs, listener: Listener): string {
    return `    # mTLS between agent and LinkMesh, passed through as it is once the PROXY header, which LinkMesh does not know, is off.
    server {
        listen ${socketOf(listener)} proxy_protocol;
        set_real_ip_from unix:;
${toLinkmesh(args, listener)}    }
`;
}
