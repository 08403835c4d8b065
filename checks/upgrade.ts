import { randomBytes } from "node:crypto";
import { connectTls } from "./dial.ts";
import { place } from "./fault.ts";
import { get, type Answer } from "./http.ts";
import { judgeTrust } from "./trust.ts";
import { warn, type Endpoint, type Verdict } from "./types.ts";

/** Asks a path for a WebSocket, without credentials. @throws Fault */
export async function upgrade(at: Endpoint, path: string, judge: (answer: Answer) => Verdict): Promise<Verdict> {
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
    const verdict = judge(await get(connection.socket, where, path, headers, at.timeoutMs));
    if (verdict.status === "ok" && trust.status === "warn") {
        return warn(`${verdict.detail}, but ${trust.detail}`, trust.hint);
    }
    return verdict;
}
