import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { connectAgent } from "../../lab/linkmesh/client.ts";
import { agentOptions, enrol, handshake, mint, redeem, type Bootstrap } from "./linkmesh-calls.ts";
import { useStandIn, type Installation, type Running } from "./linkmesh-harness.ts";

const { install, start, directory } = useStandIn();

describe("the package", () => {
    it("has the same bytes when it is built again, and different bytes for another version", async () => {
        const first = await buildPackage({ outDir: join(directory(), "first") });
        const again = await buildPackage({ outDir: join(directory(), "first") });
        const umask = process.umask(0o077);
        const elsewhere = await buildPackage({ outDir: join(directory(), "second") }).finally(() =>
            process.umask(umask),
        );
        const newer = await buildPackage({ outDir: join(directory(), "first"), version: "1.102.0~standin" });
        expect(again).toEqual(first);
        expect(statSync(again.file).mtimeMs).toBe(statSync(first.file).mtimeMs);
        expect(elsewhere.sha256).toBe(first.sha256);
        expect(newer.sha256).not.toBe(first.sha256);
        expect(readFileSync(newer.file).equals(readFileSync(first.file))).toBe(false);
    });

    it("describes itself, and holds root's files only", async () => {
        const { file } = await buildPackage({ outDir: join(directory(), "first") });
        const show = (...args: string[]) => execFileSync("dpkg-deb", [...args, file], { encoding: "utf8" });
        expect(show("--info")).toContain("STAND-IN for LinkMesh in tests, not LinkMesh");
        const lines = show("--contents").trim().split("\n");
        for (const line of lines) expect(line).toContain(" root/root ");
        expect(lines.find((line) => line.endsWith("/etc/linkmesh/config.yaml"))).toMatch(/^-rw-r----- /);
    });
});

describe("a running server", () => {
    let site: Installation;
    let token: string;
    let server: Running;

    beforeAll(async () => {
        site = await install({
            externalUrl: "https://linkmesh.example.test",
            http: { trustedProxies: ["127.0.0.1/32", "::1"] },
            grpc: { externalUrl: "linkmesh.example.test:50051" },
            metrics: { enabled: true },
            licence: { file: "/nowhere" },
        });
        server = await start(site);
        token = await site.serviceToken();
    });

    it("says on its page that it is a stand-in", async () => {
        const response = await site.fetch("/");
        expect(response.status).toBe(200);
        expect(await response.text()).toContain("This is not LinkMesh");
        expect((await site.fetch("/", { method: "HEAD" })).status).toBe(200);
        expect((await site.fetch("/nothing")).status).toBe(404);
    });

    it("requires a bearer token for the API", async () => {
        for (const path of [
            "/api/v1/info",
            "/api/v1/collectors",
            "/api/v1/metrics",
            "/api/v1/whoami",
            "/api/v1/else",
        ]) {
            expect((await site.fetch(path)).status, path).toBe(401);
            expect((await site.fetch(path, { token: "lmsat_wrong" })).status, path).toBe(401);
        }
        const getConfig = "/collector.v1.CollectorService/GetConfig";
        expect((await site.fetch(getConfig, { method: "POST" })).status).toBe(401);
        expect((await site.fetch(getConfig, { method: "POST", token })).status).toBe(200);
        expect((await site.fetch("/api/v1/else", { token })).status).toBe(404);
        expect((await site.fetch("/api/v1/info", { method: "DELETE", token })).status).toBe(405);
    });

    it("lets only root and itself read the service token", () => {
        expect(statSync(join(site.directory, "data/service-token")).mode & 0o777).toBe(0o600);
        expect(statSync(site.boltPath).mode & 0o777).toBe(0o600);
        expect(token).toMatch(/^lmsat_/);
    });

    it("prints its public URL in the install script", async () => {
        const text = await (await site.fetch("/api/v1/downloads/install-opamp.sh")).text();
        const output = execFileSync("sh", { input: text }).toString();
        expect(output).toContain("wss://linkmesh.example.test/v1/opamp");
        expect(output).toContain("https://linkmesh.example.test");
    });

    it("enrols with a token that works only once", async () => {
        const enrollmentToken = await mint(site);
        const response = await redeem(site, enrollmentToken);
        expect(response.status).toBe(200);
        const bootstrap = (await response.json()) as Bootstrap;
        expect(bootstrap.grpcEndpoint).toBe("linkmesh.example.test:50051");
        expect(bootstrap.opampUrl).toBe("wss://linkmesh.example.test/v1/opamp");
        expect((await redeem(site, enrollmentToken)).status).toBe(410);
        expect((await redeem(site, "lmenr_unknown")).status).toBe(401);
        expect((await site.fetch("/api/v1/bootstrap", { method: "POST" })).status).toBe(401);
        expect((await site.fetch("/api/v1/bootstrap", { method: "POST", body: "{" })).status).toBe(400);

        const ca = new X509Certificate(bootstrap.caCertificate);
        const info = (await (await site.fetch("/api/v1/info", { token })).json()) as { caFingerprint: string };
        expect(ca.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(info.caFingerprint);
        const certificate = new X509Certificate(bootstrap.certificate);
        expect(certificate.verify(ca.publicKey)).toBe(true);
        expect(certificate.subject).toBe(`CN=${bootstrap.collectorId}`);
    });

    it("lets an enrollment token expire", async () => {
        const enrollmentToken = await mint(site, { ttlSeconds: 0.001 });
        await new Promise((resolve) => setTimeout(resolve, 10));
        expect((await redeem(site, enrollmentToken)).status).toBe(410);
        expect(
            (await site.fetch("/api/v1/enrollment-tokens", { method: "POST", token, body: '{"ttlSeconds":-1}' }))
                .status,
        ).toBe(400);
    });

    it("a collector's token has only a collector's rights", async () => {
        const { otlpToken } = await enrol(site);
        expect((await site.fetch("/v1/metrics", { method: "POST", token: otlpToken, body: "x" })).status).toBe(200);
        expect((await site.fetch("/api/v1/collectors", { token: otlpToken })).status).toBe(403);
    });

    it("accepts metrics of up to 64 MiB", async () => {
        const push = (bytes: number, bearer?: string) =>
            site.fetch("/v1/metrics", { method: "POST", token: bearer, body: Buffer.alloc(bytes) });
        expect((await push(10)).status).toBe(401);
        expect((await push(64 * 1024 * 1024, token)).status).toBe(200);
        expect((await push(64 * 1024 * 1024 + 1, token)).status).toBe(413);
    });

    it("shows documented metrics", async () => {
        const text = await (await site.fetch("/api/v1/metrics", { token })).text();
        expect(text).toMatch(/^linkmesh_server_connections_agents \d+$/m);
        expect(text).toMatch(/^linkmesh_server_process_rss_bytes \d+$/m);
        expect(text).toMatch(/^linkmesh_server_build_info\{version="1\.101\.0~standin"\} 1$/m);
    });

    it("believes X-Forwarded-* of a trusted proxy, from the right", async () => {
        const response = await site.fetch("/api/v1/whoami", {
            token,
            headers: {
                "X-Forwarded-For": "10.9.9.9, 198.51.100.7, 127.0.0.1",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "linkmesh.example.test",
            },
        });
        expect(await response.json()).toEqual({
            peer: "127.0.0.1",
            viaTrustedProxy: true,
            address: "198.51.100.7",
            scheme: "https",
            host: "linkmesh.example.test",
        });
    });

    it("answers the OpAMP handshake with 401 without credentials and 101 with them", async () => {
        expect(await handshake(site)).toBe(401);
        expect(await handshake(site, "lmsat_wrong")).toBe(401);
        expect(await handshake(site, undefined, "HEAD")).toBe(401);
        expect(await handshake(site, token, "HEAD")).toBe(400);
        expect(await handshake(site, token)).toBe(101);
    });

    it("answers the agent's handshake as OpAMP's, and no other", async () => {
        expect(await handshake(site, undefined, "GET", "/v1/agent")).toBe(401);
        expect(await handshake(site, token, "GET", "/v1/agent")).toBe(101);
        expect((await site.fetch("/v1/agent", { token })).status).toBe(400);
        expect(await handshake(site, token, "GET", "/v1/other")).toBe(404);
    });

    it("answers 400 when the upgrade was stripped, and accepts OpAMP over plain HTTP", async () => {
        expect((await site.fetch("/v1/opamp")).status).toBe(400);
        expect((await site.fetch("/v1/opamp", { token })).status).toBe(400);
        expect((await site.fetch("/v1/opamp", { method: "POST", body: "hello" })).status).toBe(401);
        const response = await site.fetch("/v1/opamp", { method: "POST", token, body: "hello" });
        expect(response.status).toBe(200);
        expect(await response.text()).toBe("hello");
    });

    it("echoes OpAMP messages and counts the session", async () => {
        const { collectorId, otlpToken } = await enrol(site);
        const socket = new WebSocket(`ws://127.0.0.1:${site.httpPort}/v1/opamp`, {
            headers: { Authorization: `Bearer ${otlpToken}` },
        });
        await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
        const big = Buffer.alloc(3 * 1024 * 1024, 7);
        const echo = new Promise<Buffer>((resolve) => socket.once("message", (data) => resolve(data as Buffer)));
        socket.send(big);
        expect((await echo).equals(big)).toBe(true);
        const collector = async () => {
            const { collectors } = (await (await site.fetch("/api/v1/collectors", { token })).json()) as {
                collectors: { id: string; sessionsOpen: number; sessionsTotal: number; hostname: string }[];
            };
            return collectors.find(({ id }) => id === collectorId)!;
        };
        expect(await collector()).toMatchObject({ hostname: "web-1", sessionsOpen: 1, sessionsTotal: 1 });
        const closed = new Promise((resolve) => socket.on("close", resolve));
        socket.close();
        await closed;
        await expect.poll(collector).toMatchObject({ sessionsOpen: 0, sessionsTotal: 1 });
    });

    it("enrols an OpAMP collector by its enrollment token, and recognises it later", async () => {
        const enrollmentToken = await mint(site);
        expect(await handshake(site, enrollmentToken)).toBe(101);
        expect(await handshake(site, enrollmentToken)).toBe(101);
        expect((await redeem(site, enrollmentToken)).status).toBe(410);
    });

    it("speaks gRPC, unary and streaming, with enrolled agents", async () => {
        const bootstrap = await enrol(site);
        const agent = connectAgent(agentOptions(site, bootstrap));
        expect(await agent.register()).toMatchObject({
            collectorId: bootstrap.collectorId,
            serverVersion: "1.101.0~standin",
        });
        expect((await agent.ping(Buffer.from("unary"))).toString()).toBe("unary");
        const channel = agent.channel();
        for (const text of ["one", "two"]) expect((await channel.exchange(Buffer.from(text))).toString()).toBe(text);
        const open = (await (await site.fetch("/api/v1/info", { token })).json()) as { sessions: { grpc: number } };
        expect(open.sessions.grpc).toBe(1);
        await channel.end();
        agent.close();
    });

    it("refuses gRPC without a certificate, with a foreign one, and with a wrong name", async () => {
        const bootstrap = await enrol(site);
        const options = agentOptions(site, bootstrap);
        const other = await install();
        const otherServer = await start(other);
        const foreign = await enrol(other);
        await otherServer.stop();
        for (const wrong of [
            { ...options, certificate: undefined, privateKey: undefined },
            { ...options, certificate: foreign.certificate, privateKey: foreign.privateKey },
            { ...options, caCertificate: foreign.caCertificate },
            { ...options, servername: "linkmesh.example.test" },
        ]) {
            const agent = connectAgent(wrong);
            await expect(agent.ping(Buffer.from("x"))).rejects.toMatchObject({ code: 14 });
            agent.close();
        }
    });

    it("refuses a second server and cert init while it runs", async () => {
        for (const command of [["serve"], ["cert", "init", "--san", "dns:a.example"]]) {
            const { code, stderr } = await site.run(...command);
            expect(code).toBe(75);
            expect(stderr).toContain("is in use by another process: stop linkmesh-server first");
        }
        expect(() => execFileSync("flock", ["--nonblock", site.boltPath, "true"])).toThrow();
    });

    it("ends open sessions when it stops", async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${site.httpPort}/v1/opamp`, {
            headers: { Authorization: `Bearer ${token}` },
        });
        await new Promise((resolve) => socket.on("open", resolve));
        const closed = new Promise<number>((resolve) => socket.on("close", resolve));
        const agent = connectAgent(agentOptions(site, await enrol(site)));
        const channel = agent.channel();
        await channel.exchange(Buffer.from("x"));
        channel.call.on("error", () => {});
        expect(await server.stop()).toBe(0);
        expect(await closed).toBe(1001);
        agent.close();
        expect(() => execFileSync("flock", ["--nonblock", site.boltPath, "true"])).not.toThrow();
    });
});
