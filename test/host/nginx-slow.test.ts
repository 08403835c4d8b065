import { once } from "node:events";
import net, { type Socket } from "node:net";
import { cpus } from "node:os";
import tls from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { authorities, cleanupsAfterEach, HOST, type Authorities } from "./checks-site.ts";
import { MODES, renderMode, startBackend, type Backend } from "./nginx-modes.ts";
import { type Files, NginxServer } from "./nginx-server.ts";

// Clients of one address that take their time, and what another address gets meanwhile. One client could hold every
// connection of nginx with each of these if nothing ended it.
const [ADDRESS, OTHER] = ["127.0.0.5", "127.0.0.6"];
/** Of each worker, so that a few hundred clients are more than nginx has. */
const CONNECTIONS = 128;
const MORE_THAN_ALL = Math.ceil(1.5 * CONNECTIONS * cpus().length);

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});
const cleanups = cleanupsAfterEach();

/** Shortens these timeouts, which are too long for a test. A timeout that is not in the files stays what it is in nginx. */
const shortened = (names: string, divisor: number) => (files: Files) =>
    Object.fromEntries(
        Object.entries(files).map(([name, text]) => [
            name,
            text.replace(
                new RegExp(`\\b((?:${names})_timeout) (\\d+)s;`, "g"),
                (_, directive: string, seconds: string) => `${directive} ${(Number(seconds) * 1000) / divisor}ms;`,
            ),
        ]),
    );

async function start(
    mode: string,
    args: Partial<NginxArgs>,
    edit: (files: Files) => Files,
    backend: Backend,
): Promise<NginxServer> {
    const config = {
        ...renderMode(mode, args),
        ...(args.sessionsPerAddress ? {} : { workerConnections: CONNECTIONS }),
    };
    const upstream = { http: backend.port, grpc: backend.port };
    const server = await NginxServer.start({ config, domain: HOST, certificate: trust.uiPair, upstream, edit });
    cleanups.push(() => server.stop());
    return server;
}

interface Client {
    socket: Socket;
    ended: boolean;
    text: string;
}

/** A connection that writes `first`, and then a byte of `rest` again and again. */
function slow(to: { port: number; secure?: tls.ConnectionOptions }, first: string | Buffer, rest = ""): Client {
    const options = { host: "127.0.0.1", port: to.port, localAddress: ADDRESS, servername: HOST };
    const socket: Socket = to.secure
        ? tls.connect({ ...options, ca: trust.publicCa.pem, ...to.secure } as tls.ConnectionOptions)
        : net.connect(options);
    const client: Client = { socket, ended: false, text: "" };
    let trickle: NodeJS.Timeout | undefined;
    socket.once(to.secure ? "secureConnect" : "connect", () => {
        if (first.length > 0) socket.write(first);
        let at = 0;
        if (rest !== "") trickle = setInterval(() => socket.write(rest[at++ % rest.length]!), 200);
    });
    socket.on("data", (data) => (client.text += String(data))).on("error", () => undefined);
    socket.once("close", () => {
        client.ended = true;
        clearInterval(trickle);
    });
    cleanups.push(() => socket.destroy());
    return client;
}

/** The status of a request, or 0 if nginx refuses the connection. */
async function ask(server: NginxServer, localAddress = OTHER): Promise<number> {
    const socket = tls.connect({
        ...{ host: "127.0.0.1", port: server.ports.https, servername: HOST, ca: trust.publicCa.pem },
        localAddress,
    } as tls.ConnectionOptions);
    try {
        socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
        const [data] = (await once(socket, "data")) as [Buffer];
        return Number(String(data).slice(9, 12));
    } catch {
        return 0;
    } finally {
        socket.destroy();
    }
}

/** Of a client hello in a record of 4,096 bytes. */
const HELLO_BEGUN = Buffer.from([22, 3, 1, 16, 0, 1, 0, 15, 252, 3, 3]);

const BEFORE_A_REQUEST: Record<string, (server: NginxServer) => Client> = {
    "connected without TLS": ({ ports }) => slow({ port: ports.https }, ""),
    "TLS without a request": ({ ports }) => slow({ port: ports.https, secure: {} }, ""),
    "a handshake trickled": ({ ports }) => slow({ port: ports.https }, HELLO_BEGUN, "\0"),
    "headers trickled": ({ ports }) =>
        slow({ port: ports.https, secure: {} }, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n`, "x-a: b\r\n"),
    "headers trickled on port 80": ({ ports }) =>
        slow({ port: ports.http }, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n`, "x-a: b\r\n"),
};

describe.each(Object.keys(MODES))("%s", (mode) => {
    let backend: Backend;
    /** Answers that a client has not taken yet. */
    let unread = 0;
    let begun = 0;
    beforeAll(async () => {
        backend = await startBackend((request, response) => {
            if (request.url === "/download") {
                begun++;
                unread++;
                const block = Buffer.alloc(1 << 20);
                const more = () => {
                    while (response.write(block));
                };
                response.on("drain", more).on("close", () => unread--);
                more();
            } else request.resume().on("end", () => response.end("well"));
        });
        return () => backend.stop();
    });

    test.each(Object.keys(BEFORE_A_REQUEST))(
        "%s: more than nginx has connections are ended, and others are answered",
        async (kind) => {
            const server = await start(mode, {}, shortened("client_header|preread", 10), backend);
            const clients = Array.from({ length: MORE_THAN_ALL }, () => BEFORE_A_REQUEST[kind]!(server));
            for (const { socket } of clients) if (socket.connecting) await once(socket, "connect");
            await expect.poll(() => ask(server)).toBe(200);
            await expect.poll(() => clients.filter(({ ended }) => !ended).length).toBe(0);
        },
    );

    const limited = (edit: (files: Files) => Files) => start(mode, { sessionsPerAddress: 10 }, edit, backend);
    const secure = (server: NginxServer) => ({ port: server.ports.https, secure: {} });

    const head = `POST /v1/metrics HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100000\r\n\r\n`;

    test("bodies trickled count as sessions of their address", async () => {
        const server = await limited((files) => files);
        for (let n = 0; n < 10; n++) slow(secure(server), head, "x");
        const askAgain = async () => {
            const answer = await ask(server, ADDRESS);
            // While this was one of the ten sessions, a slow one may have been refused.
            if (answer === 200) slow(secure(server), head, "x");
            return answer;
        };
        await expect.poll(askAgain).toBe(429);
        expect(await ask(server)).toBe(200);
    });

    test("bodies that stop are ended", async () => {
        const server = await limited(shortened("client_body", 50));
        const stalled = Array.from({ length: 10 }, () => slow(secure(server), head));
        await expect.poll(() => stalled.filter(({ ended }) => !ended).length).toBe(0);
        expect(await ask(server, ADDRESS)).toBe(200);
    });

    test("slow readers of a download are ended if they take nothing", async () => {
        const server = await limited(shortened("send", 50));
        begun = 0;
        const request = `GET /download HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
        const readers = Array.from({ length: 10 }, () => slow(secure(server), request));
        for (const { socket } of readers) socket.once("data", () => socket.pause());
        // A busy machine may end the first before the last has begun.
        await expect.poll(() => begun).toBe(10);
        expect(await ask(server)).toBe(200);
        await expect.poll(() => unread).toBe(0);
    });
});

test("one port: silent connections of one address are limited before nginx knows what they want", async () => {
    const backend = await startBackend((_, response) => response.end());
    cleanups.push(() => backend.stop());
    const server = await start("one port", { sessionsPerAddress: 10 }, (files) => files, backend);
    const clients = Array.from({ length: 60 }, () => BEFORE_A_REQUEST["connected without TLS"]!(server));
    await expect.poll(() => clients.filter(({ ended }) => !ended).length).toBe(20);
    expect(await ask(server)).toBe(200);
});
