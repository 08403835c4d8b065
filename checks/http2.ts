import http2 from "node:http2";
import type { Socket } from "node:net";
import { SILENT } from "./connection-error.ts";
import { httpError, type HttpResponse } from "./http.ts";

/**
 * Like get, but over HTTP/2.
 * @throws ConnectionError with `where` in its sentence
 */
export function getHttp2(
    socket: Socket,
    where: string,
    host: string,
    path: string,
    timeoutMs: number,
): Promise<HttpResponse> {
    return new Promise<HttpResponse>((resolve, reject) => {
        const failWith = (code: string | undefined) => reject(httpError(code, where, timeoutMs));
        const timer = setTimeout(() => failWith(SILENT), timeoutMs);
        const session = http2.connect(`https://${host}`, { createConnection: () => socket });
        session.on("error", (error: NodeJS.ErrnoException) => failWith(error.code));
        session.once("close", () => {
            clearTimeout(timer);
            failWith("ECONNRESET");
        });
        const request = session.request({ ":path": path });
        request.once("response", (headers) => resolve({ status: headers[":status"]!, headers }));
        request.on("error", (error: NodeJS.ErrnoException) => failWith(error.code));
        request.once("close", () => failWith("ECONNRESET"));
    }).finally(() => socket.destroy());
}
