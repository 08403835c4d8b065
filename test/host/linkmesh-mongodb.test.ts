import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectAgent } from "../../lab/linkmesh/client.ts";
import { useFerretdb } from "./ferretdb.ts";
import { freePort } from "./free-port.ts";
import { agentOptions, enrol, handshake, mint, redeem, servedCertificate } from "./linkmesh-calls.ts";
import { useStandIn, type Installation } from "./linkmesh-harness.ts";
import { TestCa } from "./test-ca.ts";

const { install, start } = useStandIn();
const database = useFerretdb();

/** Has a server that cannot be reached told sooner, and gives one that can be reached time on a busy machine. */
const SOON = "&serverSelectionTimeoutMS=3000";

/** An instance on this database. */
async function instance(uri = database.uri(), secret?: string): Promise<Installation> {
    const site = await install({ storage: { backend: "mongodb" } });
    site.environment.LINKMESH_MONGODB_URI = uri;
    if (secret !== undefined) site.secret = secret;
    return site;
}

async function pair() {
    const [one, other] = [await instance(database.uri() + SOON), await instance(database.uri() + SOON)];
    // At the same time: on an empty database both would make a CA.
    const [first, second] = await Promise.all([start(one), start(other)]);
    onTestFinished(async () => {
        await Promise.all([first.stop("SIGKILL"), second.stop("SIGKILL")]);
    });
    return { one, other, first, second };
}

async function collectors(site: Installation, init: { token?: string; headers?: Record<string, string> }) {
    const response = await site.fetch("/api/v1/collectors", init);
    expect(response.status).toBe(200);
    return ((await response.json()) as { collectors: { id: string; sessionsTotal: number }[] }).collectors;
}

describe("two instances on one MongoDB", () => {
    it("know each other's agents, and an enrollment token enrols one of them, whichever instances it reaches", async () => {
        const { one, other } = await pair();
        expect(await one.serviceToken()).toBe(await other.serviceToken());
        const bootstrap = await enrol(one);
        const agent = connectAgent(agentOptions(other, bootstrap));
        expect((await agent.register()).collectorId).toBe(bootstrap.collectorId);
        await agent.channel().exchange(Buffer.from("x"));
        agent.close();
        expect((await other.fetch("/v1/metrics", { method: "POST", token: bootstrap.otlpToken })).status).toBe(200);
        expect(await handshake(other, bootstrap.otlpToken)).toBe(101);
        const token = await one.serviceToken();
        await expect
            .poll(async () => (await collectors(one, { token })).find(({ id }) => id === bootstrap.collectorId))
            .toMatchObject({ sessionsTotal: 2 });

        const enrollment = await mint(one);
        const sites = [one, other, one, other, one, other];
        const statuses = await Promise.all(sites.map(async (site) => (await redeem(site, enrollment)).status));
        expect(statuses.sort()).toEqual([200, 410, 410, 410, 410, 410]);
    });

    it("go on with a browser's session and lose nothing when one is killed, and its successor has nothing of its own", async () => {
        const { one, other, first } = await pair();
        const token = await one.serviceToken();
        const bootstrap = await enrol(one);
        const login = await one.fetch("/api/v1/login", { method: "POST", token });
        expect(login.status).toBe(204);
        const [cookie] = login.headers.getSetCookie();
        expect(cookie).toMatch(/^linkmesh_session=\S+; Path=\/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax$/);
        const session = { headers: { Cookie: cookie!.split(";")[0]! } };
        await first.stop("SIGKILL");

        const isKnown = async (site: Installation) =>
            (await collectors(site, session)).some(({ id }) => id === bootstrap.collectorId);
        expect(await isKnown(other)).toBe(true);
        expect((await other.fetch("/api/v1/collectors", { headers: { Cookie: "linkmesh_session=x" } })).status).toBe(
            401,
        );

        rmSync(join(one.directory, "data"), { recursive: true });
        const successor = await start(one);
        expect(await isKnown(one)).toBe(true);
        const agent = connectAgent(agentOptions(one, bootstrap));
        expect((await agent.register()).collectorId).toBe(bootstrap.collectorId);
        agent.close();
        const serial = async (site: Installation) => (await servedCertificate(site.grpcPort)).serialNumber;
        expect(await serial(one)).toBe(await serial(other));
        await successor.stop();
    });

    it("serve the certificate of `cert init` on either of them, and outlive a restart of the database", async () => {
        const { one, other, second } = await pair();
        const token = await one.serviceToken();
        expect((await one.run("cert", "init", "--san", "dns:linkmesh.example.test")).code).toBe(0);
        await second.stop();
        await database.stop();
        const without = await one
            .fetch("/api/v1/collectors", { token, signal: AbortSignal.timeout(60_000) })
            .finally(() => database.start());
        expect(without.status).toBe(500);
        await collectors(one, { token });
        const again = await start(other);
        expect((await servedCertificate(other.grpcPort)).subjectAltName).toContain("DNS:linkmesh.example.test");
        await again.stop();
    });
});

describe("an instance that cannot use its MongoDB", () => {
    /** Runs into it, and returns the one line that it leaves. */
    async function refusal(site: Installation, code: number): Promise<string> {
        const { code: actual, stderr } = await site.run("serve");
        expect(stderr).toMatch(/^linkmesh-server: [^\n]+\n$/);
        expect(stderr).not.toContain("p%40ss");
        expect(stderr).not.toContain("p@ss");
        expect({ actual, stderr }).toMatchObject({ actual: code });
        return stderr;
    }

    it("says that the password is wrong", async () => {
        expect(await refusal(await instance(database.uri({ password: "wrong" })), 78)).toMatch(
            /MongoDB at localhost:\d+ refuses the user or the password of LINKMESH_MONGODB_URI/,
        );
    });

    it("says that nothing answers there, or that what answers says nothing", async () => {
        const closed = await instance(database.uri({ port: await freePort() }) + SOON);
        expect(await refusal(closed, 1)).toMatch(
            /cannot use MongoDB at localhost:\d+, which LINKMESH_MONGODB_URI names: .*ECONNREFUSED/,
        );

        const sockets: Socket[] = [];
        const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
        await once(silent, "listening");
        const { port } = silent.address() as AddressInfo;
        expect(await refusal(await instance(database.uri({ port }) + SOON), 1)).toMatch(
            /cannot use MongoDB at localhost:\d+, which/,
        );
        for (const socket of sockets) socket.destroy();
        silent.close();
    });

    it("says which part of the connection string is missing or wrong", async () => {
        const missing = await install({ storage: { backend: "mongodb" } });
        expect(await refusal(missing, 78)).toContain("LINKMESH_MONGODB_URI is neither in the environment nor in");
        expect(await refusal(await instance("http://localhost"), 78)).toContain(
            "LINKMESH_MONGODB_URI is no connection string",
        );
        expect(await refusal(await instance(database.uri({ caFile: "/nowhere/ca.pem" }) + SOON), 1)).toContain(
            "/nowhere/ca.pem",
        );
        const other = join(missing.directory, "other-ca.pem");
        writeFileSync(other, (await TestCa.create("CN=another")).pem);
        expect(await refusal(await instance(database.uri({ caFile: other }) + SOON), 1)).toContain("certificate");
    });

    it("refuses a secret that is not the database's", async () => {
        const first = await start(await instance());
        await first.stop();
        expect(await refusal(await instance(database.uri(), "another secret"), 78)).toMatch(
            /the server secret \(LINKMESH_SECRET\) does not belong to the database linkmesh of MongoDB at localhost/,
        );
    });

    it("warns of a MongoDB that is no replica set, as LinkMesh does", async () => {
        const site = await instance();
        const { stdout } = await site.run("cert", "init");
        expect(stdout).toContain(
            "WARN RunInTransaction: standalone Mongo detected — falling back to sequential writes",
        );
    });
});
