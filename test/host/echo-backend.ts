import { createServer, type IncomingHttpHeaders } from "node:http";
import { WebSocketServer } from "ws";

/** What the backend saw of a request. */
export interface Seen {
    method: string;
    url: string;
    headers: IncomingHttpHeaders;
    /** Length of the body in bytes. */
    length: number;
}

export interface EchoBackend {
    port: number;
    stop(): Promise<void>;
}

/**
 * A plain HTTP server on loopback in LinkMesh's place, whose answers show what arrived: a JSON document of type Seen, with the
 * status that the header X-Status asks for; and a WebSocket at /v1/opamp whose first message is the same document and which
 * sends back every message.
 */
export async function startEchoBackend(port = 0): Promise<EchoBackend> {
    const server = createServer((request, response) => {
        let length = 0;
        request.on("data", (chunk: Buffer) => (length += chunk.length));
        request.on("end", () => {
            const { method, url, headers } = request;
            response.statusCode = Number(headers["x-status"] ?? 200);
            response.setHeader("content-type", "application/json");
            response.end(JSON.stringify({ method, url, headers, length }));
        });
    });
    const sockets = new WebSocketServer({ server, path: "/v1/opamp" });
    sockets.on("connection", (socket, { method, url, headers }) => {
        socket.send(JSON.stringify({ method, url, headers, length: 0 }));
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return {
        port: (server.address() as { port: number }).port,
        stop: async () => {
            for (const client of sockets.clients) client.terminate();
            const closed = new Promise((resolve) => server.close(resolve));
            server.closeAllConnections();
            await closed;
        },
    };
}
