import { STATUS_CODES, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Collector } from "./collectors.ts";
import { bearerToken, HttpError, MAX_MESSAGE_BYTES, readBody, send, unauthorized } from "./http.ts";
import { log } from "./log.ts";
import type { Server, Sessions } from "./server.ts";

/**
 * The collector that sent a request, or "service" for the service account. A new enrollment token enrols its sender,
 * for OpAMP supervisors that start with one.
 */
async function identify({ collectors }: Server, request: IncomingMessage): Promise<Collector | "service"> {
    const token = bearerToken(request);
    if (!token) throw unauthorized();
    const principal = await collectors.authenticate(token);
    if (principal) return principal.kind === "service" ? "service" : principal.collector;
    const known = await collectors.enrolledWith(token);
    if (known) return known;
    const redemption = await collectors.redeem(token, "");
    if (redemption.outcome !== "enrolled") throw unauthorized();
    log.info(`enrolled ${redemption.collector.id} by OpAMP`);
    return redemption.collector;
}

/** Answers OpAMP's plain HTTP transport and all other requests without Upgrade on a WebSocket's path. */
export async function answerWithoutUpgrade(
    server: Server,
    request: IncomingMessage,
    response: ServerResponse,
): Promise<void> {
    // According to the guide, 400 means that a proxy removed Upgrade, with or without credentials.
    if (request.method !== "POST") throw new HttpError(400, "a WebSocket upgrade is required here");
    await identify(server, request);
    send(response, 200, "application/x-protobuf", await readBody(request, MAX_MESSAGE_BYTES));
}

function refuse(socket: Duplex, error: HttpError): void {
    const body = `${JSON.stringify({ error: error.message })}\n`;
    const headers = {
        ...error.headers,
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(body)),
        Connection: "close",
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join("")}\r\n${body}`);
}

/** The WebSocket paths and the kind of session of each. */
const PATHS: Readonly<Record<string, keyof Sessions>> = { "/v1/opamp": "opamp", "/v1/agent": "agent" };

/** Answers WebSocket upgrades: 401 without credentials, an echo of all messages with them. */
export function serveWebSockets(server: Server, httpServer: HttpServer): { stop(): void } {
    // No pings, because tests must notice idle timeouts of proxies. OpAMP has its own heartbeats.
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });

    httpServer.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        // Without a listener, a client that resets the connection would crash the server.
        socket.on("error", () => socket.destroy());
        upgrade(request, socket, head).catch((error: unknown) => {
            if (!(error instanceof HttpError)) log.warn(`WebSocket handshake: ${(error as Error).message}`);
            refuse(socket, error instanceof HttpError ? error : new HttpError(500, "internal error"));
        });
    });

    async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
        const kind = PATHS[request.url?.split("?")[0] ?? ""];
        if (kind === undefined) throw new HttpError(404, "no such page");
        const who = await identify(server, request);
        if (request.method !== "GET") throw new HttpError(400, "a WebSocket handshake must be a GET");
        sockets.handleUpgrade(request, socket, head, (webSocket) => openSession(server, webSocket, who, kind));
    }

    return {
        stop: () => {
            for (const webSocket of sockets.clients) webSocket.close(1001, "server stops");
        },
    };
}

function openSession(
    { collectors, sessions }: Server,
    webSocket: WebSocket,
    who: Collector | "service",
    kind: keyof Sessions,
): void {
    const closeSession = who === "service" ? undefined : collectors.openSession(who);
    sessions[kind]++;
    webSocket.on("message", (data: Buffer, isBinary: boolean) => webSocket.send(data, { binary: isBinary }));
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("close", () => {
        sessions[kind]--;
        closeSession?.();
    });
}
