import net, { type AddressInfo, type Socket } from "node:net";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { listenersWith } from "../unit/listeners.ts";
import { authorities, cleanupsAfterEach, GRPC_HOST, HOST, type Authorities } from "./checks-site.ts";
import { clientHello } from "./client-hello.ts";
import { renderMode } from "./nginx-modes.ts";
import { NginxServer, type Files } from "./nginx-server.ts";

/** The clients' address, if a test names none. */
export const ADDRESS = "127.0.0.5";
export const SHARED = { listeners: listenersWith({ grpcDomain: GRPC_HOST }) };

/** The ways in which agents reach gRPC. */
export const PORTS: [string, Partial<NginxArgs>][] = [
    ["ports of their own", {}],
    ["one port", SHARED],
];
export const isShared = (mode: Partial<NginxArgs>) => mode === SHARED;

export interface Session {
    /** The status of https; for gRPC 101 for a session and 0 for none. */
    status: number;
    head: string;
    socket: Socket;
    ended: () => boolean;
}

export interface From {
    address?: string;
    path?: string;
    headers?: string[];
    plain?: boolean;
}

/** Collectors and agents of a test file, the nginx that it starts, and a backend that takes every session. */
export function useFleet() {
    let trust: Authorities;
    let upstream: { http: number; grpc: number };
    const backends: net.Server[] = [];
    /** The backends' ends of the sessions. */
    const held = new Set<Socket>();

    beforeAll(async () => {
        trust = await authorities();
        // Accepts every upgrade, and sends nothing more.
        const http = await backend((socket) => {
            let head = "";
            socket.on("data", (data) => {
                if (head.endsWith("\r\n\r\n")) return;
                head += String(data);
                if (!head.endsWith("\r\n\r\n")) return;
                const upgrade = /^upgrade: websocket/im.test(head);
                socket.write(
                    upgrade
                        ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
                );
            });
        });
        // Sends first, unlike a gRPC server, so that a client knows at once that it is accepted.
        const grpc = await backend((socket) => socket.write("in"));
        upstream = { http, grpc };
    });
    afterEach(() => {
        for (const socket of held) socket.destroy();
    });
    afterAll(() => backends.forEach((server) => server.close()));
    const cleanups = cleanupsAfterEach();

    async function backend(serve: (socket: Socket) => void): Promise<number> {
        const server = net.createServer((socket) => {
            held.add(socket);
            socket.on("error", () => undefined).on("close", () => held.delete(socket));
            serve(socket);
        });
        backends.push(server);
        await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
        return (server.address() as AddressInfo).port;
    }

    async function start(args: Partial<NginxArgs>, edit?: (files: Files) => Files): Promise<NginxServer> {
        const config = renderMode("ports of their own", { uiDomain: "", ...args });
        const server = await NginxServer.start({ config, domain: HOST, certificate: trust.publicPair, upstream, edit });
        cleanups.push(() => server.stop());
        return server;
    }

    function session(socket: Socket, judge: (text: string) => number | undefined): Promise<Session> {
        cleanups.push(() => socket.destroy());
        return new Promise((resolve) => {
            let head = "";
            let over = false;
            const settle = (status: number) => resolve({ status, head, socket, ended: () => over });
            socket.on("data", (data) => {
                const status = judge((head += String(data)));
                if (status !== undefined) settle(status);
            });
            socket.on("error", () => undefined);
            socket.on("close", () => {
                over = true;
                settle(0);
            });
        });
    }

    /** Opens a session on port 443. */
    function https(server: NginxServer, from: From): Promise<Session> {
        const { address = ADDRESS, path = "/v1/opamp", headers = ["Upgrade: websocket"], plain = false } = from;
        const to = { host: "127.0.0.1", port: server.ports.https, localAddress: address };
        const socket = plain
            ? net.connect(to)
            : tls.connect({ ...to, servername: HOST, ca: trust.publicCa.pem } as tls.ConnectionOptions);
        socket.once(plain ? "connect" : "secureConnect", () =>
            socket.write([`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ...headers, "", ""].join("\r\n")),
        );
        return session(socket, (text) => (text.includes("\r\n\r\n") ? Number(text.slice(9, 12)) : undefined));
    }

    /** Opens a gRPC session, on its own port or by its name on port 443. */
    function grpc(server: NginxServer, { address = ADDRESS }: From = {}, shared = false): Promise<Session> {
        const port = shared ? server.ports.https : server.ports.grpc;
        const socket = net.connect({ host: "127.0.0.1", port, localAddress: address });
        if (shared) socket.write(clientHello(GRPC_HOST));
        return session(socket, (text) => (text.includes("in") ? 101 : undefined));
    }

    return { start, https, grpc, session, held };
}

export async function many(count: number, open: () => Promise<Session>, atOnce = 50): Promise<Session[]> {
    const sessions: Session[] = [];
    while (sessions.length < count) {
        const next = Math.min(atOnce, count - sessions.length);
        sessions.push(...(await Promise.all(Array.from({ length: next }, open))));
    }
    return sessions;
}

export const count = (sessions: Session[], status: number) => sessions.filter((one) => one.status === status).length;
