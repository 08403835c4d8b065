import { connectTls } from "./dial.ts";
import { place } from "./fault.ts";
import { getHttp2 } from "./http2.ts";
import { judgePage } from "./page.ts";
import { judgeTrust } from "./trust.ts";
import { fail, type Check } from "./types.ts";

/** The web UI at a name of its own: as at the public host, but over HTTP/2 for clients that offer both. */
export const ui: Check = {
    name: "ui",
    async run(endpoint) {
        const at = { ...endpoint, host: endpoint.uiHost };
        const connection = await connectTls(at, at.httpsPort, ["h2", "http/1.1"]);
        const trust = judgeTrust(connection, at);
        if (trust.status !== "fail" && connection.alpn === "h2") {
            const where = place(at.address, at.httpsPort);
            return judgePage(await getHttp2(connection.socket, where, at.host, "/", at.timeoutMs), "HTTP/2", trust, at);
        }
        connection.socket.destroy();
        if (trust.status === "fail") return trust;
        return fail(
            `${at.host} answers over HTTP/1.1 where HTTP/2 was expected`,
            "turn http2 on in the nginx site of this name alone",
        );
    },
};
