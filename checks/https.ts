import { connectTls } from "./dial.ts";
import { place } from "./fault.ts";
import { get } from "./http.ts";
import { linkmeshDown, noSite } from "./linkmesh.ts";
import { judgeTrust } from "./trust.ts";
import { fail, ok, warn, type Check, type Endpoint } from "./types.ts";

/** The web UI: a verified certificate, HTTP/1.1, 200 or 302, HSTS. */
export const https: Check = {
    name: "https",
    async run(at) {
        const connection = await connectTls(at, at.httpsPort, ["http/1.1"]);
        const trust = judgeTrust(connection, at);
        if (trust.status === "fail") {
            connection.socket.destroy();
            return trust;
        }

        const where = place(at.address, at.httpsPort);
        const answer = await get(connection.socket, where, "/", { host: at.host, accept: "*/*" }, at.timeoutMs);
        if (answer.status !== 200 && answer.status !== 302)
            return unexpected(answer.status, answer.headers.location, at);
        if (await choosesHttp2(at)) {
            return warn(
                `${answer.status}, but the listener also offers HTTP/2`,
                "OpAMP's WebSocket needs HTTP/1.1: take http2 out of the nginx listener",
            );
        }
        if (trust.status === "warn") return warn(`${answer.status}, but ${trust.detail}`, trust.hint);
        if (answer.headers["strict-transport-security"] === undefined) {
            return warn(
                `${answer.status} over HTTP/1.1, but without HSTS`,
                "send Strict-Transport-Security from the nginx site",
            );
        }
        return ok(`${answer.status} over HTTP/1.1, certificate verified, HSTS on`);
    },
};

/** A client of collectors asks for HTTP/1.1 only; curl and browsers offer both and take what the server prefers. */
async function choosesHttp2(at: Endpoint): Promise<boolean> {
    const { socket, alpn } = await connectTls(at, at.httpsPort, ["h2", "http/1.1"]);
    socket.destroy();
    return alpn === "h2";
}

function unexpected(status: number, location: string | undefined, at: Endpoint) {
    switch (status) {
        case 421:
            return noSite(at.host);
        case 502:
        case 503:
        case 504:
            return linkmeshDown(status);
        case 301:
        case 307:
        case 308:
            return fail(
                `${status} to ${location ?? "nowhere"} where 200 or 302 was expected`,
                "check LinkMesh's externalUrl and that the proxy sends X-Forwarded-Proto",
            );
        default:
            return fail(
                `${status} where 200 or 302 was expected`,
                `look at the answer: curl -i --resolve ${at.host}:${at.httpsPort}:${at.address} https://${at.host}/`,
            );
    }
}
