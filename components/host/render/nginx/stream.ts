import type { Listener } from "../../../listeners.ts";
import type { NginxArgs } from "./args.ts";
import { trust } from "./balancer.ts";
import { limit, limitZone, MAX_LIMIT, sessionsPerAddress } from "./limits.ts";
import { allAddresses, listenLines, listenPublicly } from "./listen.ts";
import { nameExpression } from "./names.ts";
import type { NginxSizes } from "./sizes.ts";

type StreamArgs = Pick<
    NginxArgs,
    | "listeners"
    | "linkmeshAddresses"
    | "ipv6"
    | "trustedProxies"
    | "collectorsExpected"
    | "sessionsPerAddress"
    | "balancer"
>;

/** Between the stream server of a shared port and the https sites. A socket, because a local port for each would run out. */
export const HTTPS_SOCKET = "unix:/run/linkmesh-https.sock";

/** The listeners that nginx does not decrypt. */
const passedThrough = (listeners: readonly Listener[]) => listeners.filter(({ tls }) => tls === "passed through");

/** Whether a listener shares the https port and is recognized by the name in the TLS handshake. */
export const isShared = (listeners: readonly Listener[]) => listeners.some((one) => one.serverName !== undefined);

/** The `stream` block: listeners that are passed through, each on its own port or on the shared https port. */
export function renderStream(args: StreamArgs, sizes: NginxSizes): string {
    const all = passedThrough(args.listeners);
    if (all.length === 0) return "";
    const own = all.filter(({ serverName }) => serverName === undefined);
    const servers = [...(isShared(all) ? [sharedPort(args, sizes)] : []), ...own.map((one) => ownPort(args, one))];
    return `stream {
    log_format linkmesh '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';
    # Sessions that limit_conn refuses are not logged.
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

/** With trusted proxies there is no limit, because all agents connect from the proxies' addresses. */
function passToLinkmesh(args: StreamArgs, { name }: Listener): string {
    const sessions = args.trustedProxies.length === 0 ? sessionsPerAddress(args) : undefined;
    return `        access_log /var/log/nginx/linkmesh-${name}.log linkmesh if=$linkmesh_admitted;
        proxy_pass linkmesh_${name};
        proxy_connect_timeout 5s;
        # A silent session stays open. TCP keep-alive finds dead peers.
        proxy_timeout 24h;
        proxy_socket_keepalive on;
${sessions === undefined ? "" : limit(`linkmesh_${name}`, sessions, "        ")}`;
}

/** Agents stay connected for a long time, and reconnect all at once. */
const FOR_AGENTS = " backlog=4096 so_keepalive=60s:15s:4";

function ownPort(args: StreamArgs, listener: Listener): string {
    return `    # ${listener.description}.
    server {
${listenPublicly(args, listener.port, "        ", "", FOR_AGENTS)}
${trust(args.balancer ?? [], "        ")}${passToLinkmesh(args, listener)}    }
`;
}

const socketOf = ({ name }: Listener) => `unix:/run/linkmesh-${name}.sock`;

function sharedPort(args: StreamArgs, { workerConnections }: NginxSizes): string {
    const { port } = args.listeners.find(({ name }) => name === "https")!;
    const byName = args.listeners.filter(({ serverName }) => serverName !== undefined);
    const edge = edgeLimit(args, 1 + byName.length, workerConnections);
    return `${edge.zone}    map $ssl_preread_server_name $linkmesh_edge {
${byName.map((one) => `        ~*${nameExpression(one.serverName!)} ${socketOf(one)};`).join("\n")}
        default ${HTTPS_SOCKET};
    }

    # Chooses by the name in the TLS handshake, and decrypts nothing.
    server {
${listenLines(allAddresses(args, port), "        ", FOR_AGENTS)}
        ssl_preread on;
        preread_timeout 10s;
        proxy_pass $linkmesh_edge;
        # Passes the client's address on. This is possible only for all upstreams of a server.
        proxy_protocol on;
        proxy_timeout 24h;
${edge.limit}        # The upstreams are nginx's own servers, which log their errors. Here, each refusal would be logged again.
        error_log /var/log/nginx/error.log crit;
    }

${byName.map((one) => behindSharedPort(args, one)).join("\n")}`;
}

/** Each of the servers behind the shared port allows its number of sessions. */
function edgeLimit(args: StreamArgs, servers: number, connections: number): { zone: string; limit: string } {
    const sessions = (sessionsPerAddress(args) ?? Infinity) * servers;
    if (sessions > MAX_LIMIT) return { zone: "", limit: "" };
    return {
        zone: `    ${limitZone("linkmesh_edge", connections)}\n`,
        limit: `        # Also counts connections that say nothing. The servers behind count those that have said what they want.
        limit_conn linkmesh_edge ${sessions};
`,
    };
}

function behindSharedPort(args: StreamArgs, listener: Listener): string {
    return `    # Passes mTLS through from agent to LinkMesh, without the PROXY header, which LinkMesh does not understand.
    server {
        listen ${socketOf(listener)} proxy_protocol;
        set_real_ip_from unix:;
${passToLinkmesh(args, listener)}    }
`;
}
