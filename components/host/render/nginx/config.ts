import { createHash } from "node:crypto";
import type { GrpcEndpoint } from "../../../endpoints";
import { ISOLATION, UNCOUNTED } from "./isolation";
import { allAddresses, listenLines } from "./listen";
import { serverName } from "./names";
import { renderSites } from "./sites";
import { renderStream } from "./stream";

export interface NginxArgs {
    /** The public hostname. */
    domain: string;
    /** The name with HTTP/2 for people, or empty. */
    uiDomain: string;
    /** Where agents connect; undefined when gRPC is off. */
    grpc: GrpcEndpoint | undefined;
    /** The machine has a public address of that family. */
    ipv6: boolean;
    /** Port 80 is open. */
    httpRedirect: boolean;
    /** Networks whose X-Forwarded-For is believed. */
    trustedProxies: readonly string[];
    /** Collectors and agents connected at once. */
    collectorsExpected: number;
    /** Sessions that one client address may hold on each port; 0: what follows from the fleet. */
    sessionsPerAddress: number;
    /** Folder with fullchain.pem and privkey.pem. */
    certificate: string;
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

/** What follows from the number of collectors. */
export type NginxSizes = ReturnType<typeof nginxSizes>;

/** `listeners` is none of nginx's: the addresses that must listen once the others are in use. */
export type NginxFile = "http-redirect.conf" | "http-linkmesh.conf" | "main-stream.conf" | "tls.inc" | "listeners";

/** Local ports from one source to one upstream address, with the range of {@link renderSysctl} and room to spare. */
const SESSIONS_PER_ADDRESS = 28_000;
/** The fewest processors that the instance types in question have. */
const WORKERS = 2;

/** The configuration for the public names. Pure; facts behind each line are in docs/nginx.md. */
export function renderNginx(args: NginxArgs): NginxConfig {
    const sizes = nginxSizes(args.collectorsExpected, args.grpc?.shared);
    const ports = [443, ...(args.grpc && !args.grpc.shared ? [args.grpc.port] : [])];
    const files = (revision: string): Record<NginxFile, string> => ({
        "http-redirect.conf": redirect(args, revision),
        "http-linkmesh.conf": renderSites(args, sizes),
        "main-stream.conf": renderStream(args, sizes),
        "tls.inc": TLS,
        listeners: [...port80(args), ...ports.flatMap((port) => allAddresses(args, port))]
            .map((listener) => `${listener}\n`)
            .join(""),
    });
    const revision = createHash("sha256")
        .update(JSON.stringify(files("")))
        .digest("hex")
        .slice(0, 12);
    return { revision, files: files(revision), ...sizes, sysctl: renderSysctl() };
}

/** What is served while there is no certificate yet: port 80 alone. */
export function renderPort80(args: Omit<NginxArgs, "certificate">): Pick<NginxConfig, "revision"> & {
    files: Pick<NginxConfig["files"], "http-redirect.conf" | "listeners">;
} {
    const listeners = port80(args).map((listener) => `${listener}\n`);
    const revision = "port-80";
    return { revision, files: { "http-redirect.conf": redirect(args, revision), listeners: listeners.join("") } };
}

/**
 * Each session takes two connections and two open files of one worker, four where https and gRPC share a port; half as
 * many again for uneven shares.
 */
export function nginxSizes(collectors: number, shared = false) {
    const perWorker = Math.ceil(((shared ? 4 : 2) * collectors * 1.5) / WORKERS);
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

/**
 * The machine asks there which configuration is in use, whoever else may. On loopback another port than 80, as nginx
 * could not bind that while it still has it on all addresses.
 */
function port80(args: Pick<NginxArgs, "ipv6" | "httpRedirect">): string[] {
    return args.httpRedirect ? allAddresses(args, 80) : ["127.0.0.1:8081"];
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

function redirect(args: Omit<NginxArgs, "certificate">, revision: string): string {
    const { domain, uiDomain } = args;
    const names = [domain, ...(uiDomain === "" ? [] : [uiDomain])];
    const toUi =
        uiDomain === "" ? "" : `        if ($host = ${uiDomain}) {\n            ${permanently(uiDomain)}\n        }\n`;
    return `${UNCOUNTED}
# The first server of the port answers every name, unless another one is the default; our names, and the address that
# the machine itself asks, are then left to it.
server {
${listenLines(port80(args), "    ", "")}
    server_name ${names.map(serverName).join(" ")} 127.0.0.1;
    server_tokens off;
    large_client_header_buffers 4 40k;

${ISOLATION}

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

    # The names are written out: $host would be whatever the client claims.
    location / {
${toUi}        ${permanently(domain)}
    }
}
`;
}

const permanently = (host: string) => `return 301 https://${host}$request_uri;`;

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
ssl_early_data off;
ssl_verify_client off;
`;
