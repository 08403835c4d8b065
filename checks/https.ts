import { connectTls } from "./dial.ts";
import { place } from "./fault.ts";
import { get } from "./http.ts";
import { judgePage } from "./page.ts";
import { judgeTrust } from "./trust.ts";
import { fail, warn, type Check, type Endpoint } from "./types.ts";

/** The web UI at the public host: a verified certificate, HTTP/1.1, 200 or 302, HSTS. */
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
        const page = judgePage(answer, "HTTP/1.1", trust, at);
        if (page.status === "fail" || !(await choosesHttp2(at))) return page;
        // With a name of their own browsers get HTTP/2 there, and here it serves nobody.
        return (at.uiHost === at.host ? warn : fail)(
            `${answer.status}, but the listener also offers HTTP/2`,
            "OpAMP's WebSocket needs HTTP/1.1: take http2 out of the nginx listener",
        );
    },
};

/** A client of collectors asks for HTTP/1.1 only; curl and browsers offer both and take what the server prefers. */
async function choosesHttp2(at: Endpoint): Promise<boolean> {
    const { socket, alpn } = await connectTls(at, at.httpsPort, ["h2", "http/1.1"]);
    socket.destroy();
    return alpn === "h2";
}
