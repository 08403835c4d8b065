import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { describe, expect, test } from "vitest";
import { HEALTH_PATH } from "../../components/health.ts";
import { BALANCER, BalancedNginx, CLIENT4, CLIENT6, firstByte, STRANGER } from "./balanced-nginx.ts";
import { HOST } from "./checks-site.ts";
import type { Seen } from "./echo-backend.ts";
import { proxyV1, proxyV2 } from "./proxy-header.ts";

const nginx = BalancedNginx.forThisFile();

const HEADERS: [string, string, Buffer, string?][] = [
    ["version 1 in IPv4", CLIENT4, proxyV1({ address: CLIENT4 })],
    ["version 1 in IPv6", CLIENT6, proxyV1({ address: CLIENT6 })],
    ["version 2 in IPv4", CLIENT4, proxyV2({ address: CLIENT4 })],
    ["version 2 in IPv6", CLIENT6, proxyV2({ address: CLIENT6 })],
    ["version 2 in IPv4 over IPv6", CLIENT4, proxyV2({ address: CLIENT4 }), "::1"],
    ["version 2 in IPv6 over IPv6", CLIENT6, proxyV2({ address: CLIENT6 }), "::1"],
];

describe.each(HEADERS)("the PROXY header of %s", (_, client, header, from) => {
    test.each(["/", "/v1/opamp"])("tells LinkMesh the client of https, at %s", async (path) => {
        const { body } = await nginx.ask(path, { header, from });
        const { headers } = JSON.parse(body) as Seen;
        expect(headers).toMatchObject({ host: HOST, "x-forwarded-for": client, "x-real-ip": client });
        expect(headers["x-forwarded-proto"]).toBe("https");
    });

    test("is taken on port 80, where the log has the client", async () => {
        const path = `/${_.replaceAll(" ", "-")}`;
        const { status, headers } = await nginx.ask(path, { header, from, port: nginx.server.ports.http });
        expect([status, headers.location]).toEqual([301, `https://${HOST}${path}`]);
        const line: unknown = expect.stringMatching(`^${client} .*GET ${path} `);
        // nginx logs a request after it has answered.
        await expect.poll(() => nginx.logged("access.log")).toContainEqual(line);
    });

    test("does not reach LinkMesh's gRPC, which gets every other byte, and the log has the client", async () => {
        const before = nginx.logged("linkmesh-grpc.log").length;
        const socket = await nginx.connect(nginx.server.ports.grpc, { header, from });
        // What looks like a header is the client's, behind the first one.
        const payload = Buffer.concat([header, Buffer.alloc(100_000, 7)]);
        socket.write(payload);
        expect((await receive(socket, payload.length)).equals(payload)).toBe(true);
        socket.destroy();
        await expect.poll(() => nginx.logged("linkmesh-grpc.log").slice(before)).toHaveLength(1);
        expect(nginx.logged("linkmesh-grpc.log").at(-1)).toMatch(new RegExp(`^${client} `));
    });
});

async function receive(socket: net.Socket, length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let size = 0; size < length; size += chunks.at(-1)!.length)
        chunks.push(((await once(socket, "data")) as [Buffer])[0]);
    return Buffer.concat(chunks);
}

describe("a PROXY header of a stranger is not believed", () => {
    const header = proxyV2({ address: CLIENT4 });

    test("on port 443", async () => {
        const { headers } = JSON.parse((await nginx.ask("/", { header, from: STRANGER })).body) as Seen;
        expect(headers).toMatchObject({ "x-forwarded-for": STRANGER, "x-real-ip": STRANGER });
    });

    test("on port 50051", async () => {
        const before = nginx.logged("linkmesh-grpc.log").length;
        const socket = await nginx.connect(nginx.server.ports.grpc, { header, from: STRANGER });
        socket.write("x");
        expect(await firstByte(socket)).toBe("x");
        socket.destroy();
        await expect.poll(() => nginx.logged("linkmesh-grpc.log").slice(before)).toHaveLength(1);
        expect(nginx.logged("linkmesh-grpc.log").at(-1)).toMatch(new RegExp(`^${STRANGER} `));
    });

    test.each([BALANCER, STRANGER])(
        "a header that says loopback, sent from %s, shows nothing of the machine",
        async (from) => {
            const asked = {
                from,
                header: proxyV1({ address: "127.0.0.1" }),
                port: nginx.server.ports.http,
                host: "127.0.0.1",
            };
            for (const path of ["/.well-known/linkmesh-proxy", HEALTH_PATH]) {
                expect((await nginx.ask(path, asked)).status).toBe(404);
            }
        },
    );
});

test.each(["http", "https", "grpc"] as const)(
    "without a header, nothing is answered on the port of %s",
    async (name) => {
        const socket = await nginx.connect(nginx.server.ports[name], {});
        socket.write("GET / HTTP/1.0\r\n\r\n");
        expect(await firstByte(socket)).toBe("closed");
    },
);

test("the machine asks itself over loopback without a header", async () => {
    const own = { from: "127.0.0.1" };
    const { http: port80, https: port443, grpc } = nginx.server.ownPorts;
    expect((await nginx.ask("/.well-known/linkmesh-proxy", { ...own, port: port80, host: "127.0.0.1" })).status).toBe(
        200,
    );
    const { body } = await nginx.ask("/", { ...own, port: port443, sni: HOST });
    expect((JSON.parse(body) as Seen).headers["x-forwarded-for"]).toBe("127.0.0.1");
    const socket = await nginx.connect(grpc, own);
    socket.write("x");
    expect(await firstByte(socket)).toBe("x");
});

test("each client has its own limit of sessions, not the load balancer", async () => {
    const session = async (address: string) => {
        const socket = await nginx.connect(nginx.server.ports.grpc, { header: proxyV2({ address }) });
        socket.write("x");
        return firstByte(socket);
    };
    expect([await session("192.0.2.1"), await session("192.0.2.1"), await session("192.0.2.1")]).toEqual([
        ...["x", "x", "closed"],
    ]);
    expect(await session("192.0.2.2")).toBe("x");

    const upgrade = async (address: string) => {
        const socket = await nginx.connect(nginx.server.ports.https, { header: proxyV2({ address }) });
        const headers = { host: HOST, connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
        const request = http.get({
            createConnection: () => tls.connect({ socket, rejectUnauthorized: false }),
            path: "/v1/opamp",
            headers: { ...headers, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
        });
        const answer = new Promise<number>((resolve, reject) => {
            request.on("upgrade", () => resolve(101)).on("response", ({ statusCode }) => resolve(statusCode!));
            request.on("error", reject);
        });
        return answer;
    };
    expect([await upgrade("192.0.2.1"), await upgrade("192.0.2.1"), await upgrade("192.0.2.1")]).toEqual([
        101, 101, 429,
    ]);
    expect(await upgrade("192.0.2.2")).toBe(101);
});
