import type { IncomingMessage, RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Request {
    method: string;
    /** The path as received, without the query. */
    path: string;
    query: URLSearchParams;
    /** Headers by lower-case name. */
    headers: Record<string, string>;
    body: string;
    /** The client's address. */
    address: string;
}

export interface Answer {
    status: number;
    type: string;
    body: string;
    headers?: Record<string, string>;
}

export function plain(status: number, body: string, headers?: Record<string, string>): Answer {
    return { status, type: "text/plain", body, headers };
}

export function json(status: number, value: unknown): Answer {
    return { status, type: "application/json", body: JSON.stringify(value, null, 2) };
}

/** Serves the answers of `handle` and logs each request. */
export function listener(name: string, handle: (request: Request) => Promise<Answer>): RequestListener {
    return (incoming, response) => {
        void readRequest(incoming)
            .then(async (request) => {
                const answer = await handle(request).catch((error: unknown) => {
                    console.error(error);
                    return plain(500, "Internal Server Error");
                });
                console.log(
                    [new Date().toISOString(), name, request.address, request.method, request.path, answer.status].join(
                        " ",
                    ),
                );
                response.writeHead(answer.status, { ...answer.headers, "Content-Type": answer.type });
                response.end(answer.body);
            })
            .catch(() => response.destroy());
    };
}

async function readRequest(incoming: IncomingMessage): Promise<Request> {
    const [path = "", query] = (incoming.url ?? "").split("?");
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(",")]);
    return {
        method: incoming.method ?? "",
        path,
        query: new URLSearchParams(query),
        headers: Object.fromEntries(headers) as Record<string, string>,
        body: (await buffer(incoming)).toString("utf8"),
        address: incoming.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "",
    };
}
