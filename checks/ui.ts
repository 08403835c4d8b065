import { NEEDS_HTTP2 } from "./causes.ts";
import { connectTls } from "./connect.ts";
import { addressAndPort } from "./connection-error.ts";
import { getHttp2 } from "./http2.ts";
import { judgeWebUi } from "./web-ui.ts";
import { judgeTrust } from "./x509.ts";
import { fail, type Check } from "./types.ts";

/** The web UI at a name of its own: as at the public host, but over HTTP/2. */
export const ui: Check = {
    name: "ui",
    async run(endpoint) {
        const target = { ...endpoint, host: endpoint.uiHost };
        const connection = await connectTls(target, target.httpsPort, ["h2", "http/1.1"]);
        const trust = judgeTrust(connection, target);
        if (trust.status !== "fail" && connection.alpn === "h2") {
            const where = addressAndPort(target.address, target.httpsPort);
            return judgeWebUi(
                await getHttp2(connection.socket, where, target.host, "/", target.timeoutMs),
                "HTTP/2",
                trust,
                target,
            );
        }
        connection.socket.destroy();
        if (trust.status === "fail") return trust;
        return fail(`${target.host} answers over HTTP/1.1 instead of HTTP/2`, NEEDS_HTTP2);
    },
};
