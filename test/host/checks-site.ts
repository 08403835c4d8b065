import { afterEach } from "vitest";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls, { type SecureContextOptions, type TLSSocket, type TlsOptions } from "node:tls";
import type { Target } from "../../checks/index.ts";
import { freePort } from "./free-port.ts";
import { TestCa, type Pair } from "./test-ca.ts";

/** Functions in the list are called after each test of the file, and removed. */
export function cleanupsAfterEach(): (() => unknown)[] {
    const cleanups: (() => unknown)[] = [];
    afterEach(async () => {
        for (const cleanup of cleanups.splice(0)) await cleanup();
    });
    return cleanups;
}

export const HOST = "linkmesh.example.test";
export const UI_HOST = "ui.example.test";
export const GRPC_HOST = "grpc.example.test";

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** How a site differs from a good one. */
export interface Faults {
    address?: string;
    /** Names of their own on the HTTPS port: for the web UI, by HTTP/2 as long as nothing else is said; for gRPC. */
    names?: ("ui" | "grpc")[];
    ui?: { answer?: Handler; pair?: Pair; http1?: true; raw?: (socket: net.Socket) => void };
    /** Port 80. */
    http?: Handler;
    /** Every request of the HTTPS port but upgrades. */
    https?: Handler;
    /** The raw answer to an upgrade, or false to treat it as any other request, as a proxy that strips the header does. */
    upgrade?: string | false;
    publicPair?: Pair;
    /** For the HTTPS port: HTTP/2 only, or beside HTTP/1.1. */
    http2?: "only" | "too";
    grpcPair?: Pair;
    grpc?: TlsOptions;
    /** TLS with LinkMesh's certificate, no client certificate asked for, and nothing said. */
    grpcSilent?: true;
    /** A server in place of the HTTPS or gRPC one, for example a silent one. */
    rawHttps?: (socket: net.Socket) => void;
    rawGrpc?: (socket: net.Socket) => void;
}

/** The CAs and certificates that the tests share; keys take a while. */
export async function authorities() {
    const publicCa = await TestCa.create("CN=Public Test CA");
    const linkmeshCa = await TestCa.create("CN=LinkMesh CA");
    return {
        publicCa,
        linkmeshCa,
        publicPair: await publicCa.issue([HOST]),
        uiPair: await publicCa.issue([HOST, UI_HOST]),
        grpcPair: await linkmeshCa.issue([HOST, GRPC_HOST]),
    };
}

export type Authorities = Awaited<ReturnType<typeof authorities>>;

export interface Site {
    target: Target & { httpPort: number; httpsPort: number; grpc: { port: number }; closedPorts: number[] };
    stop: () => Promise<void>;
}

/** Starts the public endpoints on free ports of loopback, right in every way that `faults` does not change. */
export async function startSite(trust: Authorities, faults: Faults = {}): Promise<Site> {
    const address = faults.address ?? "127.0.0.1";
    const redirect = http.createServer(faults.http ?? goodRedirect);
    const grpc = faults.rawGrpc ? net.createServer(faults.rawGrpc) : grpcServer(trust, faults);
    const secure = faults.rawHttps ? net.createServer(faults.rawHttps) : httpsServer(trust, faults);
    const names = new Set(faults.names);
    const shared = byName(secure, [
        ...(names.has("ui") ? [[UI_HOST, uiServer(trust, faults)] as const] : []),
        ...(names.has("grpc") ? [[GRPC_HOST, grpc] as const] : []),
    ]);
    const servers = names.has("grpc") ? [redirect, shared] : [redirect, shared, grpc];
    const closed = await freePort(address);
    const sockets = new Set<net.Socket>();
    const [httpPort, httpsPort, grpcPort] = (await Promise.all(
        servers.map((server) => listen(server, address, sockets)),
    )) as [number, number, number?];
    return {
        target: {
            host: HOST,
            [net.isIPv6(address) ? "ipv6" : "ipv4"]: address,
            ca: trust.publicCa.pem,
            httpPort,
            httpsPort,
            ...(names.has("ui") && { uiHost: UI_HOST }),
            grpc: grpcPort === undefined ? { host: GRPC_HOST, port: httpsPort } : { port: grpcPort },
            closedPorts: [closed],
            timeoutMs: 60_000,
        },
        stop: async () => {
            for (const socket of sockets) socket.destroy();
            await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
        },
    };
}

export const goodRedirect: Handler = ({ url }, response) => {
    if (url?.startsWith("/.well-known/acme-challenge/")) response.writeHead(404).end();
    else response.writeHead(301, { location: `https://${HOST}${url}` }).end();
};

export const good: Handler = ({ url }, response) => {
    if (url === "/v1/opamp") response.writeHead(426).end();
    else response.writeHead(200, { "strict-transport-security": "max-age=63072000" }).end("LinkMesh");
};

function httpsServer(trust: Authorities, faults: Faults): net.Server {
    const pair: SecureContextOptions = faults.publicPair ?? trust.publicPair;
    const answer = faults.https ?? good;
    if (faults.http2) {
        const server = http2.createSecureServer({ ...pair, allowHTTP1: faults.http2 === "too" });
        server.on("request", answer as never);
        return server;
    }
    const server = https.createServer(pair, answer);
    if (faults.upgrade === false) return server;
    const raw = faults.upgrade ?? status("401 Unauthorized");
    return server.on("upgrade", (_request, socket: Duplex) => socket.end(raw));
}

function uiServer(trust: Authorities, { ui = {} }: Faults): net.Server {
    if (ui.raw) return tls.createServer({ ...trust.uiPair, ALPNProtocols: ["h2"] }, ui.raw);
    const pair: SecureContextOptions = ui.pair ?? trust.uiPair;
    const answer = ui.answer ?? good;
    if (ui.http1) return https.createServer(pair, answer);
    return http2.createSecureServer(pair).on("request", answer as never);
}

/** Forwards each connection to the server that its TLS ClientHello names. */
function byName(other: net.Server, servers: (readonly [string, net.Server])[]): net.Server {
    if (servers.length === 0) return other;
    return net.createServer((socket) => {
        socket.once("data", (hello) => {
            socket.pause();
            socket.unshift(hello);
            const [, server] = servers.find(([name]) => hello.includes(name)) ?? [undefined, other];
            server.emit("connection", socket);
        });
    });
}

/** A whole HTTP answer without a body. */
export function status(line: string, ...headers: string[]): string {
    return [`HTTP/1.1 ${line}`, ...headers, "Content-Length: 0", "", ""].join("\r\n");
}

function grpcServer(trust: Authorities, faults: Faults): net.Server {
    if (faults.grpcSilent) return tls.createServer({ ...trust.grpcPair, ALPNProtocols: ["h2"] });
    const server = http2.createSecureServer({
        ...(faults.grpcPair ?? trust.grpcPair),
        ca: trust.linkmeshCa.pem,
        requestCert: true,
        rejectUnauthorized: true,
        ...faults.grpc,
    });
    server.on("sessionError", () => {});
    return server;
}

async function listen(server: net.Server, address: string, sockets: Set<net.Socket>): Promise<number> {
    const keep = (socket: net.Socket | TLSSocket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("close", () => sockets.delete(socket));
    };
    server.on("connection", keep);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return (server.address() as net.AddressInfo).port;
}
