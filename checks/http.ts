import http from "node:http";
import type { Socket } from "node:net";
import { HTTP_BROKEN, HTTP_SILENT } from "./causes.ts";
import { ConnectionError, seconds, SILENT } from "./connection-error.ts";

export interface HttpResponse {
    status: number;
    headers: http.IncomingHttpHeaders;
}

/**
 * Sends one HTTP/1.1 request without a body on an open connection, and closes it after the headers of the response.
 * Redirects are not followed.
 * @throws ConnectionError with `where` in its sentence
 */
export function get(
    socket: Socket,
    where: string,
    path: string,
    headers: http.OutgoingHttpHeaders,
    timeoutMs: number,
): Promise<HttpResponse> {
    return new Promise<HttpResponse>((resolve, reject) => {
        const request = http.request({ createConnection: () => socket, path, headers, setHost: false });
        const timer = setTimeout(() => reject(httpError(SILENT, where, timeoutMs)), timeoutMs);
        const take = (answer: http.IncomingMessage) => resolve({ status: answer.statusCode!, headers: answer.headers });
        request.once("response", take);
        request.once("upgrade", take);
        request.on("error", (error: NodeJS.ErrnoException) => reject(httpError(error.code, where, timeoutMs)));
        request.once("close", () => {
            clearTimeout(timer);
            reject(httpError("ECONNRESET", where, timeoutMs));
        });
        request.end();
    }).finally(() => socket.destroy());
}

export function httpError(code: string | undefined, where: string, timeoutMs: number): ConnectionError {
    if (code === SILENT) {
        return new ConnectionError(
            `${where} accepts the request but does not answer it within ${seconds(timeoutMs)}`,
            HTTP_SILENT,
            code,
        );
    }
    if (code === "ECONNRESET")
        return new ConnectionError(`${where} closes the connection without an answer`, HTTP_BROKEN, code);
    if (code?.startsWith("HPE_")) return new ConnectionError(`${where} does not answer in HTTP/1.1`, HTTP_BROKEN, code);
    if (code?.startsWith("ERR_HTTP2_"))
        return new ConnectionError(`${where} does not answer in HTTP/2`, HTTP_BROKEN, code);
    return new ConnectionError(`the request to ${where} failed (${code ?? "unknown error"})`, HTTP_BROKEN, code);
}
