import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorities, HOST } from "./checks-site.ts";
import { ask, renderMode, startBackend, type Backend, type Exchange } from "./nginx-modes.ts";
import { NginxServer } from "./nginx-server.ts";
import { freePort } from "./free-port.ts";

// The WebSocket handshakes of collectors and agents, whose sessions have small buffers.

/** What the backend does with each handshake, in turn. */
let answers: Answer[];
type Answer = (socket: Duplex, request: http.IncomingMessage) => void;
/** Requests other than handshakes that the backend has answered. */
let plain = 0;
let backend: Backend;
let server: NginxServer;
let ca: string;
beforeAll(async () => {
    const trust = await authorities();
    backend = await startBackend((_, response) => {
        plain++;
        response.writeHead(200, { "set-cookie": cookie(32_768) }).end("plain");
    });
    backend.server.on("upgrade", (request, socket) => {
        // nginx resets the connection of an answer that does not fit.
        socket.on("error", () => undefined);
        if (request.method === "POST") {
            plain++;
            const headers = { "set-cookie": cookie(32_768), "content-length": "5", connection: "close" };
            socket.end(`${head("200 OK", headers)}plain`);
        } else answers.shift()!(socket, request);
    });
    const upstream = { http: backend.port, grpc: await freePort() };
    const config = renderMode("ports of their own");
    server = await NginxServer.start({ config, domain: HOST, certificate: trust.uiPair, upstream });
    ca = trust.publicCa.pem;
});
afterAll(async () => {
    await server?.stop();
    await backend?.stop();
});

const cookie = (size: number) => `a=${"a".repeat(size)}`;

function head(status: string, headers: Record<string, string>): string {
    return [`HTTP/1.1 ${status}`, ...Object.entries(headers).map((pair) => pair.join(": ")), "", ""].join("\r\n");
}

const UPGRADE = { connection: "upgrade", upgrade: "websocket" };

const send = (path: string, options: Parameters<typeof ask>[2]): Exchange =>
    ask({ port: server.ports.https, ca, name: HOST }, path, options);

const handshake = (path: string, headers: Record<string, string> = {}): Exchange =>
    send(path, { headers: { ...UPGRADE, ...headers } });

/** Opens a session, and sends a message that the backend returns. */
async function echoed(path: string, headers: Record<string, string> = {}): Promise<string> {
    const { request, response } = handshake(path, headers);
    const upgraded = once(request, "upgrade") as Promise<[http.IncomingMessage, Duplex]>;
    const [, socket] = await Promise.race([
        upgraded,
        response.then(({ status }) => expect.fail(`no session: ${status}`)),
    ]);
    socket.write("hello");
    const [data] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return String(data);
}

const accept =
    (headers: Record<string, string> = {}) =>
    (socket: Duplex) => {
        socket.write(head("101 Switching Protocols", { ...UPGRADE, ...headers }));
        socket.pipe(socket);
    };

describe.each(["/v1/opamp", "/v1/agent"])("%s", (path) => {
    test.each([200, 5_000, 7_500])("an answer with a header of %i bytes opens the session", async (size) => {
        const seen: (string | undefined)[] = [];
        const answer: Answer = (socket, { url }) => {
            seen.push(url);
            accept({ "set-cookie": cookie(size) })(socket);
        };
        answers = [answer, answer];
        expect(await echoed(`${path}?x=%2F`)).toBe("hello");
        expect(new Set(seen)).toEqual(new Set([`${path}?x=%2F`]));
        expect(answers).toHaveLength(size > 1_000 ? 0 : 1);
    });

    test("a request with a header of 32 kB and an encoded query reaches LinkMesh as it was sent", async () => {
        let seen: http.IncomingMessage | undefined;
        answers = [
            (socket, request) => {
                seen = request;
                accept()(socket);
            },
        ];
        const long = { cookie: cookie(32_768) };
        expect(await echoed(`${path}?x=%2F&y=a%20b`, long)).toBe("hello");
        expect(seen!.url).toBe(`${path}?x=%2F&y=a%20b`);
        expect(seen!.headers).toMatchObject({ ...UPGRADE, ...long, host: HOST });
    });
});

test.each([200, 5_000, 7_500])("a refusal with a header of %i bytes is passed on", async (size) => {
    const refuse = (socket: Duplex) =>
        socket.end(head("401 Unauthorized", { "set-cookie": cookie(size), "content-length": "2" }) + "no");
    answers = [refuse, refuse];
    const { status, headers, body } = await handshake("/v1/opamp").response;
    expect([status, headers["set-cookie"], await text(body)]).toEqual([401, [cookie(size)], "no"]);
});

test("an answer without end is 502 after the second try", async () => {
    const endless = (socket: Duplex) => socket.write(`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(100_000)}`);
    answers = [endless, endless];
    const { status, headers } = await handshake("/v1/opamp").response;
    expect([status, headers["retry-after"], answers.length]).toEqual([502, undefined, 0]);
});

test("if LinkMesh closes without an answer, the handshake gets 503 with Retry-After, and is not repeated", async () => {
    const close = (socket: Duplex) => socket.destroy();
    answers = [close, close];
    const { status, headers } = await handshake("/v1/opamp").response;
    expect([status, headers["retry-after"], answers.length]).toEqual([503, expect.stringMatching(/^\d$/), 1]);
    expect(headers["strict-transport-security"]).toBeDefined();
});

test("agents that a proxy lets share one connection are told to come back after different times", async () => {
    answers = Array<Answer>(200).fill((socket) => void socket.destroy());
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca, servername: HOST });
    const told = await Promise.all(
        answers.map(async () => {
            const to = { port: server.ports.https, path: "/v1/opamp", headers: { ...UPGRADE, host: HOST }, agent };
            const [response] = (await once(https.get(to), "response")) as [http.IncomingMessage];
            response.resume();
            return response.headers["retry-after"];
        }),
    );
    agent.destroy();
    // The test's 1,000 collectors have the shortest spread.
    expect([...new Set(told)].sort()).toEqual(Array.from("0123456789"));
});

test.each([{}, UPGRADE])(
    "a POST on OpAMP's path is asked for once, with room for a header of 32 kB: %j",
    async (headers) => {
        plain = 0;
        const { request, response } = send("/v1/opamp", { method: "POST", headers });
        request.end("message");
        const { status, headers: got, body } = await response;
        expect([status, got["set-cookie"], await text(body)]).toEqual([200, [cookie(32_768)], "plain"]);
        expect(plain).toBe(1);
    },
);

test("nobody reaches the location of the sessions from outside", async () => {
    answers = [accept()];
    const path = "/.well-known/linkmesh-proxy/session";
    expect((await send(path, {}).response).status).toBe(404);
    expect((await handshake(path).response).status).toBe(404);
    expect(answers).toHaveLength(1);
});
