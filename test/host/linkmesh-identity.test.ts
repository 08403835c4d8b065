import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectAgent } from "../../lab/linkmesh/client.ts";
import { agentOptions, enrol, servedCertificate } from "./linkmesh-calls.ts";
import { useStandIn } from "./linkmesh-harness.ts";

const { install, start } = useStandIn();

describe("identity", () => {
    it("outlives a restart, an abrupt end, and a move of data and secret", async () => {
        const site = await install();
        let server = await start(site);
        const token = await site.serviceToken();
        const bootstrap = await enrol(site);
        const agent = connectAgent(agentOptions(site, bootstrap));
        await agent.channel().exchange(Buffer.from("x"));
        agent.close();
        await server.stop("SIGKILL");
        appendFileSync(site.boltPath, '{"type":"collector","id":"half');

        const moved = await install();
        execFileSync("cp", ["-a", join(site.directory, "data"), moved.directory]);
        server = await start(moved);
        expect(await moved.serviceToken()).toBe(token);
        const { collectors } = (await (await moved.fetch("/api/v1/collectors", { token })).json()) as {
            collectors: object[];
        };
        expect(collectors).toMatchObject([{ id: bootstrap.collectorId, sessionsTotal: 1, sessionsOpen: 0 }]);
        const again = connectAgent(agentOptions(moved, bootstrap));
        expect((await again.register()).collectorId).toBe(bootstrap.collectorId);
        again.close();
        expect((await moved.fetch("/v1/metrics", { method: "POST", token: bootstrap.otlpToken })).status).toBe(200);
        await server.stop();
    });

    it("refuses to start without its secret or with another one", async () => {
        const site = await install();
        await (await start(site)).stop();
        site.secret = "another secret";
        for (const command of [["serve"], ["cert", "init"]]) {
            const { code, stderr } = await site.run(...command);
            expect(code).toBe(78);
            expect(stderr).toMatch(
                /^linkmesh-server: the server secret \(LINKMESH_SECRET\) does not belong to the database .*\n$/,
            );
        }
        site.secret = undefined;
        const missing = await site.run("serve");
        expect(missing.code).toBe(78);
        expect(missing.stderr).toMatch(/^linkmesh-server: the server secret is missing: .*\n$/);
        writeFileSync(join(site.directory, "environment"), "# comment\nOTHER=1\nLINKMESH_SECRET='a secret of tests'\n");
        expect((await site.run("cert", "init")).code).toBe(0);
    });

    it("refuses an agent that the database has lost", async () => {
        const site = await install();
        await (await start(site)).stop();
        const empty = readFileSync(site.boltPath);
        let server = await start(site);
        const bootstrap = await enrol(site);
        await server.stop();
        writeFileSync(site.boltPath, empty);
        server = await start(site);
        const agent = connectAgent(agentOptions(site, bootstrap));
        await expect(agent.register()).rejects.toMatchObject({ code: 7 });
        await expect(agent.channel().exchange(Buffer.from("x"))).rejects.toMatchObject({ code: 7 });
        agent.close();
        await server.stop();
    });

    it("refuses a gRPC certificate of another CA", async () => {
        const site = await install();
        await (await start(site)).stop();
        const other = await install();
        await (await start(other)).stop();
        const pem = "data/pki/grpc-server.pem";
        writeFileSync(join(site.directory, pem), readFileSync(join(other.directory, pem)));
        const { code, stderr } = await site.run("serve");
        expect(code).toBe(78);
        expect(stderr).toContain("was not issued by this database's internal CA");
    });
});

describe("cert init", () => {
    it("adds names, keeps the CA, and works before the first start", async () => {
        const site = await install();
        expect(
            (await site.run("cert", "init", "--san", "dns:Linkmesh.example.test", "--san", "ip:192.0.2.1")).code,
        ).toBe(0);
        let server = await start(site);
        const { caCertificate, ...bootstrap } = await enrol(site);
        const first = await servedCertificate(site.grpcPort);
        expect(first.subjectAltName).toContain("DNS:linkmesh.example.test");
        expect(first.subjectAltName).toContain("IP Address:192.0.2.1");
        expect(first.checkHost("localhost")).toBe("localhost");
        await server.stop();

        expect((await site.run("cert", "init", "--san", "dns:second.example.test", "--san", "ip:::1")).code).toBe(0);
        server = await start(site);
        const second = await servedCertificate(site.grpcPort);
        expect(second.subjectAltName).toContain("DNS:linkmesh.example.test");
        expect(second.subjectAltName).toContain("DNS:second.example.test");
        expect(second.subjectAltName!.match(/0:0:0:0:0:0:0:1/g)).toHaveLength(1);
        expect(second.serialNumber).not.toBe(first.serialNumber);
        expect(second.verify(new X509Certificate(caCertificate).publicKey)).toBe(true);
        const agent = connectAgent({
            ...agentOptions(site, { caCertificate, ...bootstrap }),
            servername: "second.example.test",
        });
        expect((await agent.ping(Buffer.from("x"))).toString()).toBe("x");
        agent.close();
        await server.stop();
    });

    it("refuses invalid names and leaves the certificate alone", async () => {
        const site = await install();
        expect((await site.run("cert", "init", "--san", "linkmesh.example.test")).code).toBe(2);
        expect((await site.run("cert", "init", "--san", "ip:300.1.1.1")).code).toBe(2);
        expect((await site.run("cert", "init", "--san", "dns:a b")).code).toBe(2);
        expect(existsSync(site.boltPath)).toBe(false);
    });
});

describe("a start that fails", () => {
    it.each([
        ["grpc: {port: fifty}", "grpc.port must be a port number from 1 to 65535"],
        ["http: [1, 2]", "http must be a mapping"],
        ["a: b: c", "not valid YAML"],
        ["storage: {backend: sqlite}", "storage.backend must be bolt or mongodb"],
    ])("says what is wrong with %s in one line", async (text, message) => {
        const site = await install();
        writeFileSync(site.configFile, text);
        const { code, stderr } = await site.run("serve");
        expect(code).toBe(78);
        expect(stderr).toContain(message);
        expect(stderr.split("\n")).toHaveLength(2);
    });

    it.each(["http", "grpc"] as const)("names the port when another program has it: %s", async (which) => {
        const site = await install();
        const port = which === "http" ? site.httpPort : site.grpcPort;
        const other = createServer();
        await new Promise<void>((resolve) => other.listen(port, "0.0.0.0", resolve));
        const { code, stderr } = await site.run("serve");
        await new Promise((resolve) => other.close(resolve));
        expect(code).toBe(1);
        expect(stderr).toMatch(
            new RegExp(`cannot listen on port ${port} for .*\\(${which}\\.port\\): another program`),
        );
    });

    it("warns about unknown keys and starts", async () => {
        const site = await install({ licence: { file: "/nowhere" } });
        const { stdout } = await site.run("cert", "init");
        expect(stdout).toContain("unknown key licence is ignored");
    });

    it("refuses unknown arguments", async () => {
        const site = await install();
        expect(await site.run("fly")).toMatchObject({ code: 2 });
        expect(await site.run("serve", "--fast")).toMatchObject({ code: 2 });
        expect(await site.run("version")).toMatchObject({ code: 0, stdout: "1.101.0~standin\n" });
    });
});
