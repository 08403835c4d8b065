import { once } from "node:events";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { authorities, HOST, type Authorities } from "./checks-site.ts";
import { startEchoBackend, type EchoBackend, type Seen } from "./echo-backend.ts";
import { CLIENT, nextMessage, NginxClient, type Reply } from "./nginx-client.ts";
import { nginxArgs, NginxServer } from "./nginx-server.ts";
import { freePort } from "./free-port.ts";

const config = renderNginx(nginxArgs(HOST, 1_000));

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

/** nginx in front of an HTTP backend, with nothing behind the gRPC port. */
async function startNginx(backend: EchoBackend): Promise<{ server: NginxServer; client: NginxClient }> {
    const upstream = { http: backend.port, grpc: await freePort() };
    const server = await NginxServer.start({ config, domain: HOST, certificate: trust.publicPair, upstream });
    return { server, client: new NginxClient(server, trust.publicCa.pem) };
}

describe("in front of a backend that echoes requests", () => {
    let backend: EchoBackend;
    let server: NginxServer;
    let client: NginxClient;
    beforeAll(async () => {
        backend = await startEchoBackend();
        ({ server, client } = await startNginx(backend));
    });
    afterAll(async () => {
        await server?.stop();
        await backend?.stop();
    });
    const seen = ({ body }: Reply) => JSON.parse(body) as Seen;

    test("the Debian package's nginx.conf and the rendered files start without a warning", () => {
        // A container may be granted fewer open files than are asked for.
        const lines = server.log().split("\n");
        expect(lines.filter((line) => line && !line.includes("setrlimit(RLIMIT_NOFILE"))).toEqual([]);
    });

    const forged = {
        "x-forwarded-for": "10.1.2.3",
        "x-real-ip": "10.1.2.3",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "evil.example",
        forwarded: "for=10.1.2.3;host=evil.example",
    };
    const truth = {
        host: HOST,
        "x-forwarded-for": CLIENT,
        "x-real-ip": CLIENT,
        "x-forwarded-proto": "https",
        "x-forwarded-host": HOST,
    };

    test.each(["/", "/api/v1/collectors?x=%2F", "/v1/opamp"])(
        "%s: forwarded headers of a client are overwritten",
        async (path) => {
            const { url, headers } = seen(await client.https(path, { headers: forged }));
            expect(url).toBe(path);
            expect(headers).toMatchObject(truth);
            expect(headers).not.toHaveProperty("forwarded");
        },
    );

    test("credentials reach the backend", async () => {
        const headers = { authorization: "Bearer lmsat_x" };
        expect(seen(await client.https("/api/v1/metrics", { headers })).headers).toMatchObject(headers);
    });

    test("an OpAMP upgrade passes, and messages come back, also large ones", async () => {
        const socket = client.opamp(forged);
        const { headers } = JSON.parse(String(await nextMessage(socket))) as Seen;
        expect(headers).toMatchObject({ ...truth, upgrade: "websocket", connection: "upgrade" });
        expect(headers).not.toHaveProperty("forwarded");
        for (const bytes of [1, 5_000_000]) {
            const payload = Buffer.alloc(bytes, 7);
            socket.send(payload);
            expect((await nextMessage(socket)).equals(payload)).toBe(true);
        }
        socket.terminate();
    });

    test("a plain request carries no upgrade, and its connection to the backend is reused", async () => {
        const { headers } = seen(await client.https("/v1/opamp", { method: "POST" }));
        expect(headers).not.toHaveProperty("upgrade");
        expect(headers.connection ?? "keep-alive").toBe("keep-alive");
    });

    test("bodies of 5 MB and 60 MB pass, 65 MiB do not", async () => {
        for (const bytes of [5_000_000, 60_000_000]) {
            const reply = await client.https("/v1/metrics", { method: "POST" }, Buffer.alloc(bytes));
            expect(reply.status).toBe(200);
            expect(seen(reply).length).toBe(bytes);
        }
        const headers = { "content-length": String(65 * 1024 * 1024), expect: "100-continue" };
        expect((await client.https("/v1/metrics", { method: "POST", headers })).status).toBe(413);
    });

    test.each(["evil.example", "127.0.0.1", `x.${HOST}`])("the Host header %s gets 421", async (host) => {
        expect((await client.https("/", { headers: { host } })).status).toBe(421);
    });

    /** The protocols agreed on, or why there is no connection. */
    async function shake(options: tls.ConnectionOptions): Promise<string> {
        const { https: port } = server.ports;
        const socket = tls.connect({ host: "127.0.0.1", port, servername: HOST, ca: trust.publicCa.pem, ...options });
        try {
            await once(socket, "secureConnect");
            return `${socket.getProtocol()} ${socket.alpnProtocol || "-"}`;
        } catch (error) {
            return (error as NodeJS.ErrnoException).code ?? "";
        } finally {
            socket.destroy();
        }
    }

    test.each<[string, tls.ConnectionOptions, RegExp]>([
        ["no SNI", { servername: "", checkServerIdentity: () => undefined }, /UNRECOGNIZED_NAME/],
        ["SNI of another name", { servername: "evil.example" }, /UNRECOGNIZED_NAME/],
        ["HTTP/2 offered", { ALPNProtocols: ["h2", "http/1.1"] }, /^TLSv1.3 http\/1.1$/],
        ["TLS 1.2", { maxVersion: "TLSv1.2" }, /^TLSv1.2 -$/],
        [
            "TLS 1.1",
            { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
            /PROTOCOL_VERSION|HANDSHAKE_FAILURE/,
        ],
        ["a CBC suite", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" }, /HANDSHAKE_FAILURE/],
    ])("TLS with %s", async (_what, options, outcome) => {
        expect(await shake(options)).toMatch(outcome);
    });

    describe("port 80", () => {
        test.each([HOST, "evil.example"])("challenges are served before any redirect, as %s", async (host) => {
            server.challenge("token", "token.thumbprint");
            const folder = "/.well-known/acme-challenge";
            const { status, body, headers } = await client.http(`${folder}/token`, { headers: { host } });
            expect([status, body, headers["content-type"]]).toEqual([200, "token.thumbprint", "text/plain"]);
            expect((await client.http(`${folder}/none`, { headers: { host } })).status).toBe(404);
            expect((await client.http(`${folder}/%2e%2e/%2e%2e/%2e%2e/etc/passwd`)).body).not.toMatch(/root/);
        });

        test.each([HOST, "evil.example"])(
            "%s is redirected to the public hostname, with path and query",
            async (host) => {
                const { status, headers } = await client.http("/a%20b?c=d", { headers: { host } });
                expect([status, headers.location]).toEqual([301, `https://${HOST}/a%20b?c=d`]);
            },
        );

        test("only the machine itself can read the revision", async () => {
            const marker = "/.well-known/linkmesh-proxy";
            expect((await client.http(marker)).status).toBe(404);
            expect((await client.http(marker, { localAddress: "127.0.0.1" })).body).toBe(config.revision);
        });
    });
});

test("a dead backend answers 503 with Retry-After on every path, until it is back", async () => {
    // A port that no outgoing connection takes while nothing listens there.
    const backend = await startEchoBackend(await freePort());
    const { server, client } = await startNginx(backend);
    try {
        expect((await client.https("/")).status).toBe(200);
        await backend.stop();
        for (const path of ["/", "/v1/opamp"]) {
            const { status, headers } = await client.https(path);
            expect([status, headers["retry-after"]]).toEqual([503, expect.stringMatching(/^\d$/)]);
            expect(headers["strict-transport-security"]).toBeDefined();
        }
        const again = await startEchoBackend(backend.port);
        expect((await client.https("/")).status).toBe(200);
        await again.stop();
    } finally {
        await server.stop();
    }
});
