import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import net, { type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { judgeLimits } from "../../checks/limits.ts";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { authorities, cleanupsAfterEach, GRPC_HOST, HOST, type Authorities } from "./checks-site.ts";
import { clientHello } from "./client-hello.ts";
import { renderMode } from "./nginx-modes.ts";
import { NginxServer, type Files, workersMemory } from "./nginx-server.ts";
import { listenersWith } from "../unit/listeners.ts";

// Sessions of many collectors, as nginx counts and keeps them.
const SHARED = { listeners: listenersWith({ grpcDomain: GRPC_HOST }) };
const [ADDRESS, OTHER] = ["127.0.0.5", "127.0.0.6"];

let trust: Authorities;
let upstream: { http: number; grpc: number };
const backends: net.Server[] = [];
/** The backends' ends of the sessions. */
const held = new Set<Socket>();

beforeAll(async () => {
    trust = await authorities();
    // Accepts every upgrade, and sends nothing more.
    const http = await backend((socket) => {
        let head = "";
        socket.on("data", (data) => {
            if (head.endsWith("\r\n\r\n")) return;
            head += String(data);
            if (!head.endsWith("\r\n\r\n")) return;
            const upgrade = /^upgrade: websocket/im.test(head);
            socket.write(
                upgrade
                    ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
            );
        });
    });
    // Sends first, unlike a gRPC server, so that a client knows at once that it is accepted.
    const grpc = await backend((socket) => socket.write("in"));
    upstream = { http, grpc };
});
afterEach(() => {
    for (const socket of held) socket.destroy();
});
afterAll(() => backends.forEach((server) => server.close()));
const cleanups = cleanupsAfterEach();

async function backend(serve: (socket: Socket) => void): Promise<number> {
    const server = net.createServer((socket) => {
        held.add(socket);
        socket.on("error", () => undefined).on("close", () => held.delete(socket));
        serve(socket);
    });
    backends.push(server);
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
    return (server.address() as AddressInfo).port;
}

async function start(args: Partial<NginxArgs>, edit?: (files: Files) => Files): Promise<NginxServer> {
    const config = renderMode("ports of their own", { uiDomain: "", ...args });
    const server = await NginxServer.start({ config, domain: HOST, certificate: trust.publicPair, upstream, edit });
    cleanups.push(() => server.stop());
    return server;
}

interface Session {
    /** The status of https; for gRPC 101 for a session and 0 for none. */
    status: number;
    head: string;
    socket: Socket;
    ended: () => boolean;
}

interface From {
    address?: string;
    path?: string;
    headers?: string[];
    plain?: boolean;
}

function session(socket: Socket, judge: (text: string) => number | undefined): Promise<Session> {
    cleanups.push(() => socket.destroy());
    return new Promise((resolve) => {
        let head = "";
        let over = false;
        const settle = (status: number) => resolve({ status, head, socket, ended: () => over });
        socket.on("data", (data) => {
            const status = judge((head += String(data)));
            if (status !== undefined) settle(status);
        });
        socket.on("error", () => undefined);
        socket.on("close", () => {
            over = true;
            settle(0);
        });
    });
}

/** Opens a session on port 443. */
function https(server: NginxServer, from: From): Promise<Session> {
    const { address = ADDRESS, path = "/v1/opamp", headers = ["Upgrade: websocket"], plain = false } = from;
    const to = { host: "127.0.0.1", port: server.ports.https, localAddress: address };
    const socket = plain
        ? net.connect(to)
        : tls.connect({ ...to, servername: HOST, ca: trust.publicCa.pem } as tls.ConnectionOptions);
    socket.once(plain ? "connect" : "secureConnect", () =>
        socket.write([`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ...headers, "", ""].join("\r\n")),
    );
    return session(socket, (text) => (text.includes("\r\n\r\n") ? Number(text.slice(9, 12)) : undefined));
}

/** Opens a gRPC session, on its own port or by its name on port 443. */
function grpc(server: NginxServer, { address = ADDRESS }: From = {}, shared = false): Promise<Session> {
    const port = shared ? server.ports.https : server.ports.grpc;
    const socket = net.connect({ host: "127.0.0.1", port, localAddress: address });
    if (shared) socket.write(clientHello(GRPC_HOST));
    return session(socket, (text) => (text.includes("in") ? 101 : undefined));
}

async function many(count: number, open: () => Promise<Session>, atOnce = 50): Promise<Session[]> {
    const sessions: Session[] = [];
    while (sessions.length < count) {
        const next = Math.min(atOnce, count - sessions.length);
        sessions.push(...(await Promise.all(Array.from({ length: next }, open))));
    }
    return sessions;
}

const count = (sessions: Session[], status: number) => sessions.filter((one) => one.status === status).length;

describe("a whole fleet behind one address", () => {
    // Without TLS, because its handshakes take most of the time and are not counted.
    const plain = (files: Files) => ({
        ...files,
        "http-linkmesh.conf": files["http-linkmesh.conf"]!.replace(/^( +listen .*) ssl/gm, "$1"),
    });

    test("6,000 collectors", async () => {
        const server = await start({ collectorsExpected: 6_000 }, plain);
        expect(count(await many(6_000, () => https(server, { plain: true })), 101)).toBe(6_000);
    });

    test("6,000 agents", async () => {
        const server = await start({ collectorsExpected: 6_000 });
        expect(count(await many(6_000, () => grpc(server)), 101)).toBe(6_000);
    });

    test("more sessions than nginx can count are not refused", async () => {
        const server = await start({ collectorsExpected: 65_000 });
        expect(count(await many(100, () => https(server, {})), 101)).toBe(100);
        expect(count(await many(100, () => grpc(server)), 101)).toBe(100);
    });
});

test("a session keeps little memory, also after large messages", async () => {
    const server = await start({});
    // Both workers have started when they have answered.
    const first = await many(20, () => https(server, {}));
    const before = workersMemory(server);
    const sessions = [...first, ...(await many(500, () => https(server, {})))];
    const large = Buffer.alloc(32_000);
    const arrived = (socket: Socket) =>
        new Promise<void>((resolve) => {
            let length = 0;
            socket.on("data", (data) => (length += data.length) >= large.length && resolve());
        });
    for (const [from, to] of [
        [[...held], sessions.map(({ socket }) => socket)],
        [sessions.map(({ socket }) => socket), [...held]],
    ] as const) {
        const all = Promise.all(to.map(arrived));
        for (const socket of from) socket.write(large);
        await all;
    }
    expect(held.size).toBe(520);
    // 34 on Debian 12, 43 on Debian 13, whose OpenSSL keeps more; 39 if there are thousands.
    expect((workersMemory(server) - before) / 500).toBeLessThan(47);
});

describe.each([
    ["ports of their own", {}],
    ["one port", SHARED],
])("20 sessions for one address, %s", (_, mode) => {
    const shared = mode === SHARED;

    test("https: further sessions get 429, a freed place is taken, another address gets in", async () => {
        const server = await start({ ...mode, sessionsPerAddress: 20 });
        const sessions = await many(20, () => https(server, {}));
        expect(count(sessions, 101)).toBe(20);
        for (const path of ["/v1/opamp", "/v1/agent", "/"]) {
            const { status, head } = await https(server, { path });
            expect([status, head]).toEqual([429, expect.stringMatching(/^Retry-After: 6\d\r$/m)]);
            expect(head).toMatch(/^Strict-Transport-Security: /m);
        }
        const told = new Set<string | undefined>();
        for (let number = 0; number < 200; number++) {
            const { head, socket } = await https(server, {});
            socket.destroy();
            told.add(/^Retry-After: (.*)\r$/m.exec(head)?.[1]);
        }
        expect([...told].sort()).toEqual(Array.from("0123456789", (ones) => `6${ones}`));
        expect((await https(server, { address: OTHER })).status).toBe(101);
        sessions[0]!.socket.destroy();
        await expect.poll(async () => (await https(server, {})).status).toBe(101);
        expectTold(server, ADDRESS);
    });

    test("gRPC: further sessions are closed, a freed place is taken, another address gets in", async () => {
        const server = await start({ ...mode, sessionsPerAddress: 20 });
        const sessions = await many(20, () => grpc(server, {}, shared));
        expect(count(sessions, 101)).toBe(20);
        expect(count(await many(30, () => grpc(server, {}, shared)), 0)).toBe(30);
        expect((await grpc(server, { address: OTHER }, shared)).status).toBe(101);
        sessions[0]!.socket.destroy();
        await expect.poll(async () => (await grpc(server, {}, shared)).status).toBe(101);
        expectTold(server, ADDRESS);
    });
});

/** Refusals are only in the journal, and check reports them. */
function expectTold(server: NginxServer, address: string): void {
    expect(server.log()).not.toMatch(/limiting|crit|error/);
    const access = readFileSync(join(server.directory, "log/access.log"), "utf8");
    expect(access).not.toMatch(/ 429 /);
    const streams = readFileSync(join(server.directory, "log/linkmesh-grpc.log"), "utf8");
    expect(streams).not.toMatch(/ TCP 503 /);
    const { status, detail } = judgeLimits(server.journal.join("\n"));
    expect(status).toBe("warn");
    expect(detail).toContain(`${address} reached the session limit`);
}

test("one port: an agent's name leads to gRPC in upper or lower case", async () => {
    const server = await start(SHARED);
    const socket = net.connect({ host: "127.0.0.1", port: server.ports.https });
    socket.write(clientHello(GRPC_HOST.toUpperCase()));
    expect((await session(socket, (text) => (text.includes("in") ? 101 : undefined))).status).toBe(101);
});

test("behind a trusted proxy each client is counted by itself, except for gRPC, where all have the proxy's address", async () => {
    const server = await start({ sessionsPerAddress: 20, trustedProxies: [`${ADDRESS}/32`] });
    const of = (client: string) => ({ headers: ["Upgrade: websocket", `X-Forwarded-For: ${client}`] });
    expect(count(await many(20, () => https(server, of("198.51.100.1"))), 101)).toBe(20);
    expect(count(await many(20, () => https(server, of("198.51.100.2"))), 101)).toBe(20);
    expect((await https(server, of("198.51.100.1"))).status).toBe(429);
    // From elsewhere the header counts nothing.
    expect(count(await many(20, () => https(server, { address: OTHER, ...of("198.51.100.3") })), 101)).toBe(20);
    expect((await https(server, { address: OTHER, ...of("198.51.100.4") })).status).toBe(429);
    expect(count(await many(50, () => grpc(server)), 101)).toBe(50);
});

describe.each([
    ["ports of their own", {}],
    ["one port", SHARED],
])("silence, %s", (_, mode) => {
    // Each second stands for 1,000.
    const fast = (files: Files) => {
        const text = (file: string) =>
            file.replace(
                /((?:proxy_read|proxy_send|proxy)_timeout) (\d+)([hms]);/g,
                (_match, directive: string, amount: string, unit: "h" | "m" | "s") =>
                    `${directive} ${Number(amount) * { h: 3600, m: 60, s: 1 }[unit]}ms;`,
            );
        return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, text(file)]));
    };

    test("ends no WebSocket, no live view and no gRPC session within two hours", async () => {
        const server = await start(mode, fast);
        const sessions = [
            await https(server, { path: "/v1/opamp" }),
            await https(server, { path: "/v1/agent" }),
            await https(server, { path: "/api/v1/live" }),
            await https(server, { path: "/api/v1/live", headers: [] }),
            await grpc(server, {}, mode === SHARED),
        ];
        expect(sessions.map(({ status }) => status)).toEqual([101, 101, 101, 200, 101]);
        await sleep(7_200);
        expect(sessions.map(({ ended }) => ended())).toEqual(sessions.map(() => false));
    });

    test("is distinguished from a peer that is gone by TCP keep-alive, within two minutes", async () => {
        const server = await start(mode);
        await https(server, {});
        await grpc(server, {}, mode === SHARED);
        for (const port of new Set([server.ports.https, server.ports.grpc])) {
            if (port === server.ports.grpc && mode === SHARED) continue;
            const filter = ["state", "established", "src", `127.0.0.1:${port}`, "and", "dst", ADDRESS];
            // Recently sent data may still be in flight, which has another timer.
            await expect
                .poll(() =>
                    execFileSync("ss", ["-Htno", ...filter], { encoding: "utf8" })
                        .trim()
                        .split("\n"),
                )
                .toSatisfy((lines: string[]) =>
                    lines.every((line) => /timer:\(keepalive,(1min|\d+sec|[\d.]+ms),/.test(line)),
                );
        }
    });
});
