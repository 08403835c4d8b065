import { randomBytes } from "node:crypto";
import { connectTls } from "./connect.ts";
import { addressAndPort } from "./connection-error.ts";
import { get, type HttpResponse } from "./http.ts";
import { judgeTrust } from "./x509.ts";
import { warn, type ResolvedTarget, type Verdict } from "./types.ts";

/** Requests a WebSocket without credentials. @throws ConnectionError */
export async function requestWebSocket(
    target: ResolvedTarget,
    path: string,
    judge: (answer: HttpResponse) => Verdict,
): Promise<Verdict> {
    const connection = await connectTls(target, target.httpsPort, ["http/1.1"]);
    const trust = judgeTrust(connection, target);
    if (trust.status === "fail") {
        connection.socket.destroy();
        return trust;
    }

    const headers = {
        host: target.host,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
    };
    const where = addressAndPort(target.address, target.httpsPort);
    const verdict = judge(await get(connection.socket, where, path, headers, target.timeoutMs));
    if (verdict.status === "ok" && trust.status === "warn") {
        return warn(`${verdict.detail}, but ${trust.detail}`, trust.hint);
    }
    return verdict;
}
