import { OFFERS_HTTP2 } from "./causes.ts";
import { connectTls } from "./connect.ts";
import { addressAndPort } from "./connection-error.ts";
import { get } from "./http.ts";
import { judgeWebUi } from "./web-ui.ts";
import { judgeTrust } from "./x509.ts";
import { fail, warn, type Check, type ResolvedTarget } from "./types.ts";

/** The web UI at the public host: a trusted certificate, HTTP/1.1, 200 or 302, HSTS. */
export const https: Check = {
    name: "https",
    async run(target) {
        const connection = await connectTls(target, target.httpsPort, ["http/1.1"]);
        const trust = judgeTrust(connection, target);
        if (trust.status === "fail") {
            connection.socket.destroy();
            return trust;
        }

        const where = addressAndPort(target.address, target.httpsPort);
        const answer = await get(connection.socket, where, "/", { host: target.host, accept: "*/*" }, target.timeoutMs);
        const page = judgeWebUi(answer, "HTTP/1.1", trust, target);
        if (page.status === "fail" || !(await choosesHttp2(target))) return page;
        // If the UI has a name of its own, browsers use HTTP/2 there, and nobody needs it here.
        return (target.uiHost === target.host ? warn : fail)(
            `${answer.status}, but the listener also offers HTTP/2`,
            OFFERS_HTTP2,
        );
    },
};

/** Collectors offer HTTP/1.1 only. curl and browsers offer both, and the server chooses. */
async function choosesHttp2(target: ResolvedTarget): Promise<boolean> {
    const { socket, alpn } = await connectTls(target, target.httpsPort, ["h2", "http/1.1"]);
    socket.destroy();
    return alpn === "h2";
}
