import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { renderNginx, type NginxConfig } from "../../components/host/render/nginx/config.ts";
import { GRPC_HOST, HOST, UI_HOST } from "./checks-site.ts";
import { nginxArgs } from "./nginx-server.ts";
import { listenersWith } from "../unit/listeners.ts";

/** The ways in which nginx leads https to LinkMesh. */
export const MODES: Record<string, Partial<NginxArgs>> = {
    "ports of their own": {},
    "one port": { listeners: listenersWith({ grpcDomain: GRPC_HOST }) },
};

/** Both names: what collectors ask over HTTP/1.1, and people over HTTP/2. */
export const NAMES = [HOST, UI_HOST];

export function renderMode(mode: string, args: Partial<NginxArgs> = {}): NginxConfig {
    return renderNginx({ ...nginxArgs(HOST, 1_000), uiDomain: UI_HOST, ...MODES[mode], ...args });
}

export interface Backend {
    server: http.Server;
    port: number;
    stop(): Promise<void>;
}

/** An HTTP server in LinkMesh's place; like that it takes headers of any size that occurs. */
export async function startBackend(handler: http.RequestListener): Promise<Backend> {
    const server = http.createServer({ maxHeaderSize: 1 << 20 }, handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        server,
        port: (server.address() as AddressInfo).port,
        stop: async () => {
            const closed = new Promise((resolve) => server.close(resolve));
            server.closeAllConnections();
            await closed;
        },
    };
}

export interface Exchange {
    /** The body that is sent; ended by the caller unless the method has none. */
    request: Writable;
    /** The status and headers, as soon as they are there. */
    response: Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Readable }>;
    close: () => void;
}

/** One request to a name, over the version of HTTP that the name is for. */
export function ask(
    at: { port: number; ca: string; name: string },
    path: string,
    options: { method?: string; headers?: Record<string, string> } = {},
): Exchange {
    const { method = "GET", headers = {} } = options;
    if (at.name === UI_HOST) {
        const session = http2.connect(`https://127.0.0.1:${at.port}`, {
            ca: at.ca,
            servername: at.name,
            settings: { maxHeaderListSize: 1 << 20 },
        });
        const stream = session.request(
            { ":method": method, ":path": path, ":authority": at.name, ...headers },
            { endStream: method === "GET" },
        );
        session.on("error", () => undefined);
        return {
            request: stream,
            response: once(stream, "response").then(([{ ":status": status, ...rest }]) => ({
                status: Number(status),
                headers: rest as http.IncomingHttpHeaders,
                body: stream,
            })),
            close: () => session.destroy(),
        };
    }
    const request = https.request({
        host: "127.0.0.1",
        port: at.port,
        ca: at.ca,
        servername: at.name,
        agent: false,
        path,
        method,
        maxHeaderSize: 1 << 20,
        headers: { host: at.name, ...headers },
    });
    if (method === "GET") request.end();
    else request.flushHeaders();
    return {
        request,
        response: once(request, "response").then(([answer]: http.IncomingMessage[]) => ({
            status: answer!.statusCode!,
            headers: answer!.headers,
            body: answer!,
        })),
        close: () => request.destroy(),
    };
}
