import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEALTH_PATH } from "../../components/health.ts";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { readFile } from "../../components/host/render/script.ts";
import { authorities, cleanupsAfterEach, HOST } from "./checks-site.ts";
import { startEchoBackend, type EchoBackend, type Seen } from "./echo-backend.ts";
import { freePort } from "./free-port.ts";
import { nginxArgs, NginxServer } from "./nginx-server.ts";
import { proxyLocal, proxyV1, proxyV2 } from "./proxy-header.ts";

// nginx behind a load balancer that ends the clients' TLS and sends a PROXY header. The nodes of the tier are such machines.

/** Addresses of loopback in place of the load balancer's networks, and of somebody else in the same network. */
const BALANCER = "127.0.0.5";
const STRANGER = "127.0.0.9";
const CLIENT4 = "198.51.100.7";
const CLIENT6 = "2001:db8:7::9";

let server: NginxServer;
let backend: EchoBackend;
/** In LinkMesh's place on the port of gRPC: sends back what it gets. */
const echo = net.createServer((socket) => socket.on("error", () => undefined).pipe(socket));
/** What the program health answers as a status, by path. */
const HEALTH: Record<string, number> = { "/": 200, "/serves": 200 };
const health = http.createServer(({ url }, response) => {
    const status = HEALTH[url!.split("?")[0]!]!;
    response.writeHead(status).end(status === 200 ? "well" : "not well");
});
/** nginx gives an answer again for 2 seconds and the rest of the third. */
const KEPT_MS = 3_100;

const sockets = cleanupsAfterEach();

beforeAll(async () => {
    const { publicPair } = await authorities();
    backend = await startEchoBackend();
    const grpc = await freePort();
    await new Promise<void>((resolve) => echo.listen(grpc, "127.0.0.1", resolve));
    const config = renderNginx({
        ...nginxArgs(HOST, 1_000),
        balancer: [`${BALANCER}/32`, "::1/128"],
        sessionsPerAddress: 2,
    });
    const upstream = { http: backend.port, grpc };
    server = await NginxServer.start({ config, domain: HOST, certificate: publicPair, upstream });
    const socket = join(server.directory, "linkmesh-proxy/health.sock");
    mkdirSync(dirname(socket));
    await new Promise<void>((resolve) => health.listen(socket, resolve));
    chmodSync(socket, 0o666);
});
afterAll(async () => {
    await server?.stop();
    await backend?.stop();
    health.close();
    echo.close();
});

interface Connection {
    from?: string;
    header?: Buffer;
}

/** A connection to nginx that begins with the header. It is closed after the test. */
async function connect(port: number, { from = BALANCER, header }: Connection): Promise<net.Socket> {
    const v6 = net.isIPv6(from);
    const socket = net.connect({ port, host: v6 ? "::1" : "127.0.0.1", localAddress: from });
    sockets.push(() => socket.destroy());
    await once(socket, "connect");
    if (header) socket.write(header);
    return socket;
}

interface Asked extends Connection {
    port?: number;
    host?: string;
    /** In the handshake; empty for none, and undefined for no TLS at all. */
    sni?: string;
}

/** A request as the load balancer passes it on. It does not check the certificate. */
async function ask(path: string, { port = server.ports.https, host = HOST, sni = "", ...connection }: Asked) {
    const socket = await connect(port, connection);
    const secure = [server.ports.https, server.ownPorts.https].includes(port);
    const through = secure ? tls.connect({ socket, servername: sni, rejectUnauthorized: false }) : socket;
    const request = http.get({ createConnection: () => through, path, headers: { host } });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode!, headers: response.headers, body };
}

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
        const { body } = await ask(path, { header, from });
        const { headers } = JSON.parse(body) as Seen;
        expect(headers).toMatchObject({ host: HOST, "x-forwarded-for": client, "x-real-ip": client });
        expect(headers["x-forwarded-proto"]).toBe("https");
    });

    test("is taken on port 80, where the log has the client", async () => {
        const path = `/${_.replaceAll(" ", "-")}`;
        const { status, headers } = await ask(path, { header, from, port: server.ports.http });
        expect([status, headers.location]).toEqual([301, `https://${HOST}${path}`]);
        const line: unknown = expect.stringMatching(`^${client} .*GET ${path} `);
        // nginx logs a request after it has answered.
        await expect.poll(() => logged("access.log")).toContainEqual(line);
    });

    test("does not reach LinkMesh's gRPC, which gets every other byte, and the log has the client", async () => {
        const before = logged("linkmesh-grpc.log").length;
        const socket = await connect(server.ports.grpc, { header, from });
        // What looks like a header is the client's, behind the first one.
        const payload = Buffer.concat([header, Buffer.alloc(100_000, 7)]);
        socket.write(payload);
        expect((await receive(socket, payload.length)).equals(payload)).toBe(true);
        socket.destroy();
        await expect.poll(() => logged("linkmesh-grpc.log").slice(before)).toHaveLength(1);
        expect(logged("linkmesh-grpc.log").at(-1)).toMatch(new RegExp(`^${client} `));
    });
});

const logged = (name: string) =>
    readFileSync(join(server.directory, "log", name), "utf8")
        .split("\n")
        .filter(Boolean);

async function receive(socket: net.Socket, length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let size = 0; size < length; size += chunks.at(-1)!.length)
        chunks.push(((await once(socket, "data")) as [Buffer])[0]);
    return Buffer.concat(chunks);
}

/** "closed" if the connection ends before one arrives. */
function firstByte(socket: net.Socket): Promise<string> {
    return new Promise((resolve) => {
        socket.once("data", (data) => resolve(String(data)[0]!));
        socket.on("error", () => undefined).once("close", () => resolve("closed"));
    });
}

describe("a PROXY header of a stranger is not believed", () => {
    const header = proxyV2({ address: CLIENT4 });

    test("on port 443", async () => {
        const { headers } = JSON.parse((await ask("/", { header, from: STRANGER })).body) as Seen;
        expect(headers).toMatchObject({ "x-forwarded-for": STRANGER, "x-real-ip": STRANGER });
    });

    test("on port 50051", async () => {
        const before = logged("linkmesh-grpc.log").length;
        const socket = await connect(server.ports.grpc, { header, from: STRANGER });
        socket.write("x");
        expect(await firstByte(socket)).toBe("x");
        socket.destroy();
        await expect.poll(() => logged("linkmesh-grpc.log").slice(before)).toHaveLength(1);
        expect(logged("linkmesh-grpc.log").at(-1)).toMatch(new RegExp(`^${STRANGER} `));
    });

    test.each([BALANCER, STRANGER])(
        "a header that says loopback, sent from %s, shows nothing of the machine",
        async (from) => {
            const asked = {
                from,
                header: proxyV1({ address: "127.0.0.1" }),
                port: server.ports.http,
                host: "127.0.0.1",
            };
            for (const path of ["/.well-known/linkmesh-proxy", HEALTH_PATH]) {
                expect((await ask(path, asked)).status).toBe(404);
            }
        },
    );
});

test.each(["http", "https", "grpc"] as const)(
    "without a header, nothing is answered on the port of %s",
    async (name) => {
        const socket = await connect(server.ports[name], {});
        socket.write("GET / HTTP/1.0\r\n\r\n");
        expect(await firstByte(socket)).toBe("closed");
    },
);

test("the machine asks itself over loopback without a header", async () => {
    const own = { from: "127.0.0.1" };
    const { http: port80, https: port443, grpc } = server.ownPorts;
    expect((await ask("/.well-known/linkmesh-proxy", { ...own, port: port80, host: "127.0.0.1" })).status).toBe(200);
    const { body } = await ask("/", { ...own, port: port443, sni: HOST });
    expect((JSON.parse(body) as Seen).headers["x-forwarded-for"]).toBe("127.0.0.1");
    const socket = await connect(grpc, own);
    socket.write("x");
    expect(await firstByte(socket)).toBe("x");
});

describe("the load balancer's health check", () => {
    /** Its own address and port, not the name of a site. */
    const check = { host: "192.0.2.1:443", header: proxyLocal() };

    test.each<[string, Asked]>([
        ["without addresses", check],
        ["with addresses, which count for nothing", { ...check, header: proxyLocal({ address: CLIENT4 }) }],
        ["over IPv6", { ...check, from: "::1" }],
        ["with the machine's address as Host", { ...check, host: "127.0.0.1" }],
        ["without a port in Host", { ...check, host: "192.0.2.1" }],
    ])("is answered %s", async (_, asked) => {
        expect(await ask(HEALTH_PATH, asked)).toMatchObject({ status: 200, body: "well" });
    });

    test.each<[string, Asked]>([
        ["a client of the load balancer", { ...check, header: proxyV2({ address: CLIENT4 }) }],
        ["a client that names the machine", { header: proxyV2({ address: CLIENT4 }), host: "127.0.0.1" }],
        ["a stranger", { ...check, from: STRANGER }],
        ["the machine", { host: check.host, from: "127.0.0.1", port: 0 }],
    ])("%s gets 421 in its place", async (_, asked) => {
        const port = asked.port === 0 ? server.ownPorts.https : server.ports.https;
        expect((await ask(HEALTH_PATH, { ...asked, port })).status).toBe(421);
    });

    test("shows nothing else", async () => {
        for (const path of ["/", "/why", `${HEALTH_PATH}/why`, "/api/v1/collectors"])
            expect((await ask(path, check)).status).toBe(421);
    });

    test("fails while LinkMesh is about to stop, when clients are still served", async () => {
        const client = { header: proxyV2({ address: CLIENT4 }) };
        server.drain(true);
        expect((await ask(HEALTH_PATH, check)).status).toBe(503);
        expect((await ask(HEALTH_PATH, client)).status).toBe(200);
        expect((await ask("/", client)).status).toBe(200);
        server.drain(false);
        expect((await ask(HEALTH_PATH, check)).status).toBe(200);
    });

    test("asks for no more than what the machine needs to serve clients, and clients for all that should be well", async () => {
        const client = { header: proxyV2({ address: CLIENT4 }) };
        HEALTH["/"] = 503;
        await sleep(KEPT_MS);
        expect((await ask(HEALTH_PATH, client)).status).toBe(503);
        expect((await ask(HEALTH_PATH, check)).status).toBe(200);
        HEALTH["/serves"] = 503;
        await sleep(KEPT_MS);
        expect(await ask(HEALTH_PATH, check)).toMatchObject({ status: 503, body: "not well" });
        Object.assign(HEALTH, { "/": 200, "/serves": 200 });
        await sleep(KEPT_MS);
    });

    test("is asked in the same way by the step in-service, which waits for it", async () => {
        const asks = async (port: number) => {
            const script = readFile("ask_as_balancer.py").replace("(address, 443)", `(address, ${port})`);
            return (await execa("python3", ["-c", script, "::1", HEALTH_PATH])).stdout;
        };
        expect(await asks(server.ports.https)).toBe("200");
        server.drain(true);
        expect(await asks(server.ports.https)).toBe("503");
        server.drain(false);
        expect(await asks(server.ports.grpc)).toBe("");
        expect(await asks(await freePort())).toBe("");
    });

    test("is not logged", async () => {
        const requested = (of: string) =>
            logged("access.log").flatMap((line) => (line.includes(of) ? /"GET (\S+)/.exec(line)![1] : []));
        const socket = await connect(server.ports.https, check);
        const secure = tls.connect({ socket, rejectUnauthorized: false });
        const paths = [`${HEALTH_PATH}?of=check`, "/?of=check"];
        // On one connection nginx logs them in this order, so the second line says that the first will not come.
        secure.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: ${check.host}\r\n\r\n`).join(""));
        await expect.poll(() => requested("of=check")).toContain("/?of=check");
        expect(requested("of=check")).toEqual(["/?of=check"]);
        await ask(`${HEALTH_PATH}?of=client`, { header: proxyV2({ address: CLIENT4 }) });
        await expect.poll(() => requested("of=client")).toEqual([`${HEALTH_PATH}?of=client`]);
    });
});

test("each client has its own limit of sessions, not the load balancer", async () => {
    const session = async (address: string) => {
        const socket = await connect(server.ports.grpc, { header: proxyV2({ address }) });
        socket.write("x");
        return firstByte(socket);
    };
    expect([await session("192.0.2.1"), await session("192.0.2.1"), await session("192.0.2.1")]).toEqual([
        ...["x", "x", "closed"],
    ]);
    expect(await session("192.0.2.2")).toBe("x");

    const upgrade = async (address: string) => {
        const socket = await connect(server.ports.https, { header: proxyV2({ address }) });
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
