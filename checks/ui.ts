import { NEEDS_HTTP2 } from "./causes.ts";
import { connectTls } from "./connect.ts";
import { addressAndPort } from "./connection-error.ts";
import { get } from "./http.ts";
import { getHttp2 } from "./http2.ts";
import { judgeWebUi } from "./web-ui.ts";
import { judgeTrust } from "./x509.ts";
import { fail, type Check } from "./types.ts";

/** The web UI at a name of its own: as at the public host, but over HTTP/2 unless a load balancer is in front. */
export const ui: Check = {
    name: "ui",
    async run(endpoint) {
        const target = { ...endpoint, host: endpoint.uiHost };
        const connection = await connectTls(target, target.httpsPort, ["h2", "http/1.1"]);
        const { socket } = connection;
        const trust = judgeTrust(connection, target);
        const where = addressAndPort(target.address, target.httpsPort);
        if (trust.status !== "fail" && connection.alpn === "h2") {
            const answer = await getHttp2(socket, where, target.host, "/", target.timeoutMs);
            return judgeWebUi(answer, "HTTP/2", trust, target);
        }
        if (trust.status !== "fail" && target.balanced) {
            const answer = await get(socket, where, "/", { host: target.host, accept: "*/*" }, target.timeoutMs);
            return judgeWebUi(answer, "HTTP/1.1", trust, target);
        }
        socket.destroy();
        if (trust.status === "fail") return trust;
        return fail(`${target.host} answers over HTTP/1.1 instead of HTTP/2`, NEEDS_HTTP2);
    },
};
