import { readFileSync } from "node:fs";
import net, { type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeLimits } from "../../checks/limits.ts";
import { GRPC_HOST } from "./checks-site.ts";
import { clientHello } from "./client-hello.ts";
import { ADDRESS, count, isShared, many, PORTS, SHARED, useFleet } from "./fleet.ts";
import { type Files, type NginxServer, workersMemory } from "./nginx-server.ts";

// Sessions of many collectors, as nginx counts and keeps them.

const OTHER = "127.0.0.6";
const { start, https, grpc, session, held } = useFleet();

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

describe.each(PORTS)("20 sessions for one address, %s", (_, mode) => {
    const shared = isShared(mode);

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
        await expectTold(server, "access.log", / 101 /);
    });

    test("gRPC: further sessions are closed, a freed place is taken, another address gets in", async () => {
        const server = await start({ ...mode, sessionsPerAddress: 20 });
        const sessions = await many(20, () => grpc(server, {}, shared));
        expect(count(sessions, 101)).toBe(20);
        expect(count(await many(30, () => grpc(server, {}, shared)), 0)).toBe(30);
        expect((await grpc(server, { address: OTHER }, shared)).status).toBe(101);
        sessions[0]!.socket.destroy();
        await expect.poll(async () => (await grpc(server, {}, shared)).status).toBe(101);
        await expectTold(server, "linkmesh-grpc.log", / TCP 200 /);
    });
});

/**
 * Refusals are only in the journal, and check reports them.
 * @param log in which `ended` is the line of a session that ended after the refusals
 */
async function expectTold(server: NginxServer, log: string, ended: RegExp): Promise<void> {
    const read = (name: string) => readFileSync(join(server.directory, "log", name), "utf8");
    await expect.poll(() => read(log)).toMatch(ended);
    expect(read("access.log")).not.toMatch(/ 429 /);
    expect(read("linkmesh-grpc.log")).not.toMatch(/ TCP 503 /);
    expect(server.log()).not.toMatch(/limiting|crit|error/);
    await expect
        .poll(() => judgeLimits(server.journal.join("\n")))
        .toMatchObject({
            status: "warn",
            detail: expect.stringContaining(`${ADDRESS} reached the session limit`) as string,
        });
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
