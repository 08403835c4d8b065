import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { WebSocket } from "ws";
import { HOST } from "./checks-site.ts";
import type { NginxServer } from "./nginx-server.ts";

export interface Reply {
    status: number;
    headers: http.IncomingHttpHeaders;
    body: string;
}

/** The clients' address in tests: not 127.0.0.1, so that it can be told from nginx's own. */
export const CLIENT = "127.0.0.5";

/** Requests of one client to one nginx. Host and SNI are right unless they are given. */
export class NginxClient {
    constructor(
        private readonly server: NginxServer,
        private readonly ca: string,
    ) {}

    https(path: string, options: https.RequestOptions = {}, body?: Buffer): Promise<Reply> {
        const request = https.request({
            servername: HOST,
            ca: this.ca,
            ...this.common(path, options),
            port: this.server.ports.https,
        });
        return reply(request, body);
    }

    http(path: string, options: http.RequestOptions = {}): Promise<Reply> {
        return reply(http.request({ ...this.common(path, options), port: this.server.ports.http }));
    }

    /** A WebSocket to /v1/opamp, as a collector opens it. */
    opamp(headers: Record<string, string> = {}): WebSocket {
        return this.webSocket("/v1/opamp", headers);
    }

    webSocket(path: string, headers: Record<string, string> = {}): WebSocket {
        return new WebSocket(`wss://${HOST}:${this.server.ports.https}${path}`, {
            ca: this.ca,
            localAddress: CLIENT,
            headers: { host: HOST, ...headers },
            lookup: (_name, options, callback) =>
                options.all ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4),
        });
    }

    private common(path: string, { headers, ...rest }: http.RequestOptions): http.RequestOptions {
        return {
            host: "127.0.0.1",
            localAddress: CLIENT,
            agent: false,
            path,
            headers: { host: HOST, ...(headers as http.OutgoingHttpHeaders) },
            ...rest,
        };
    }
}

async function reply(request: http.ClientRequest, body?: Buffer): Promise<Reply> {
    request.end(body);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode!, headers: response.headers, body: text };
}

/** The next message of a WebSocket. */
export async function nextMessage(socket: WebSocket): Promise<Buffer> {
    const [data] = (await once(socket, "message")) as [Buffer];
    return data;
}
