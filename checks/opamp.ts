import { randomBytes } from "node:crypto";
import { connectTls } from "./dial.ts";
import { place } from "./fault.ts";
import { get } from "./http.ts";
import { linkmeshDown, LOOK_AT_LINKMESH, noSite } from "./linkmesh.ts";
import { judgeTrust } from "./trust.ts";
import { fail, ok, warn, type Check, type Verdict } from "./types.ts";

/** The OpAMP WebSocket: an upgrade without credentials has to reach LinkMesh, which must refuse it with 401. */
export const opamp: Check = {
    name: "opamp",
    async run(at) {
        const connection = await connectTls(at, at.httpsPort, ["http/1.1"]);
        const trust = judgeTrust(connection, at);
        if (trust.status === "fail") {
            connection.socket.destroy();
            return trust;
        }

        const headers = {
            host: at.host,
            connection: "Upgrade",
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": randomBytes(16).toString("base64"),
        };
        const where = place(at.address, at.httpsPort);
        const answer = await get(connection.socket, where, "/v1/opamp", headers, at.timeoutMs);
        const verdict = judgeHandshake(answer.status, at.host, answer.headers.location);
        if (verdict.status === "ok" && trust.status === "warn") {
            return warn(`${verdict.detail}, but ${trust.detail}`, trust.hint);
        }
        return verdict;
    },
};

/** What the status of the handshake without credentials means. */
export function judgeHandshake(status: number, host: string, location?: string): Verdict {
    switch (status) {
        case 401:
            return ok("401: the WebSocket upgrade reaches LinkMesh, which asks for credentials");
        case 400:
        case 426:
            return fail(
                `${status}: LinkMesh saw no WebSocket upgrade, its headers were lost on the way`,
                "have the proxy pass Upgrade and Connection on /v1/opamp, over HTTP/1.1 on both sides",
            );
        case 101:
            return fail("101: the WebSocket was opened without credentials", "turn LinkMesh's authentication on");
        case 200:
            return fail(
                "200: /v1/opamp answers without asking for credentials",
                "check that it is LinkMesh's OpAMP endpoint which answers, with authentication on",
            );
        case 301:
        case 302:
        case 307:
        case 308:
            return fail(
                `${status} to ${location ?? "nowhere"}: the request hit a redirect, as on port 80, and not LinkMesh`,
                "check that the HTTPS port leads to the site that proxies to LinkMesh",
            );
        case 403:
            return fail("403: something before LinkMesh forbids the request", "check the proxy's access rules");
        case 404:
            return fail("404: /v1/opamp does not lead to LinkMesh", "check proxy_pass in the nginx site");
        case 421:
            return noSite(host);
        case 502:
        case 503:
        case 504:
            return linkmeshDown(status);
        default:
            return fail(`${status} where 401 was expected`, LOOK_AT_LINKMESH);
    }
}
