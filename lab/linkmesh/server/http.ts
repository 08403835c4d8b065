import type { IncomingMessage, ServerResponse } from "node:http";

/** Size limit for OTLP pushes and OpAMP messages, as the OpAMP specification recommends. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export const SESSION_COOKIE = "linkmesh_session";

/** An error response: `{"error": message}` with this status. */
export class HttpError extends Error {
    constructor(
        readonly status: number,
        message: string,
        readonly headers: Record<string, string> = {},
    ) {
        super(message);
    }
}

export function unauthorized(): HttpError {
    return new HttpError(401, "a bearer token is required", { "WWW-Authenticate": 'Bearer realm="linkmesh"' });
}

/** The token in "Authorization: Bearer TOKEN". */
export function bearerToken(request: IncomingMessage): string | undefined {
    return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** The value of the cookie that a login has set. */
export function sessionCookie(request: IncomingMessage): string | undefined {
    return new RegExp(`(?:^|; *)${SESSION_COOKIE}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1];
}

export function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
    response.writeHead(status, {
        "Content-Type": type,
        "Content-Length": Buffer.byteLength(body),
        "Cache-Control": "no-store",
    });
    response.end(body);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
    send(response, status, "application/json", `${JSON.stringify(value, undefined, 2)}\n`);
}

export function sendError(response: ServerResponse, error: HttpError): void {
    for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
    sendJson(response, error.status, { error: error.message });
}

/**
 * Reads the whole body even if it is too long, because a client that is still sending does not see an early answer.
 *
 * @throws {HttpError} 413 if the body is longer than `limit` bytes
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length <= limit) chunks.push(chunk);
        else chunks.length = 0;
    }
    if (length > limit) throw new HttpError(413, `the body is longer than ${limit} bytes`);
    return Buffer.concat(chunks);
}

/** Reads a JSON object. An empty body counts as {}. @throws {HttpError} 400 or 413 */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
    const body = await readBody(request, 1024 * 1024);
    if (body.length === 0) return {};
    try {
        const value: unknown = JSON.parse(body.toString("utf8"));
        if (typeof value === "object" && value !== null && !Array.isArray(value))
            return value as Record<string, unknown>;
    } catch {
        // Same answer as for JSON that is not an object.
    }
    throw new HttpError(400, "the body must be a JSON object");
}
