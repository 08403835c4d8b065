import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { runChecks, type CheckName } from "../../checks/index.ts";
import { renderConfig } from "../../components/host/render/linkmesh.ts";
import { renderNginx, type NginxConfig } from "../../components/host/render/nginx/config.ts";
import { connectAgent, type AgentOptions } from "../../lab/linkmesh/client.ts";
import { authorities, HOST, type Authorities } from "./checks-site.ts";
import { agentOptions, enrol } from "./linkmesh-calls.ts";
import { useStandIn, type Installation } from "./linkmesh-harness.ts";
import { CLIENT, nextMessage, NginxClient } from "./nginx-client.ts";
import { nginxArgs, NginxServer, type Files, type NginxOptions } from "./nginx-server.ts";

// The rendered configuration in a real nginx, in front of the stand-in for LinkMesh: what clients of all kinds see.

const config = renderNginx(nginxArgs(HOST, 1_000));

const standIn = useStandIn();
let trust: Authorities;
let installation: Installation;
let upstream: NginxOptions["upstream"];
let server: NginxServer;
let client: NginxClient;

beforeAll(async () => {
    trust = await authorities();
    const rendered = parse(renderConfig({ domain: HOST, grpc: undefined, extra: {} })) as Record<"http", object>;
    installation = await standIn.install({ externalUrl: `https://${HOST}`, http: rendered.http });
    expect((await installation.run("cert", "init", "--san", `dns:${HOST}`)).code).toBe(0);
    await standIn.start(installation);
    upstream = { http: installation.httpPort, grpc: installation.grpcPort };
    server = await startNginx(config);
    client = new NginxClient(server, trust.publicCa.pem);
});
afterAll(() => server?.stop());

function startNginx(rendered: NginxConfig, edit?: NginxOptions["edit"]): Promise<NginxServer> {
    return NginxServer.start({ config: rendered, domain: HOST, certificate: trust.publicPair, upstream, edit });
}

/** An enrolled agent that connects through nginx. */
async function agentThroughNginx(): Promise<AgentOptions> {
    const own = agentOptions(installation, await enrol(installation));
    return { ...own, port: server.ports.grpc, servername: HOST };
}

async function servedSerial(port: number): Promise<string> {
    const socket = tls.connect({ host: "127.0.0.1", port, servername: HOST, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { serialNumber } = socket.getPeerX509Certificate()!;
    socket.destroy();
    return serialNumber;
}

test("every check passes in both address families", async () => {
    const results = await runChecks(server.target(trust.publicCa.pem));
    expect(results.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(results).toHaveLength(14);
});

test("LinkMesh takes the client's address from nginx, and not from the client", async () => {
    const authorization = `Bearer ${await installation.serviceToken()}`;
    const { body } = await client.https("/api/v1/whoami", {
        headers: { authorization, "x-forwarded-for": "10.1.2.3" },
    });
    expect(JSON.parse(body)).toMatchObject({ address: CLIENT, scheme: "https", host: HOST, viaTrustedProxy: true });
});

test("LinkMesh takes the client's address from nobody but nginx", async () => {
    const authorization = `Bearer ${await installation.serviceToken()}`;
    const call = http.get({
        host: "127.0.0.1",
        port: installation.httpPort,
        localAddress: CLIENT,
        path: "/api/v1/whoami",
        headers: { authorization, "x-forwarded-for": "10.1.2.3" },
    });
    const [answer] = (await once(call, "response")) as [http.IncomingMessage];
    expect(await json(answer)).toMatchObject({ address: CLIENT, viaTrustedProxy: false });
});

test("the agents' WebSocket answers and echoes", async () => {
    const { otlpToken } = await enrol(installation);
    const socket = client.webSocket("/v1/agent", { authorization: `Bearer ${otlpToken}` });
    await once(socket, "open");
    socket.send("hello");
    expect(String(await nextMessage(socket))).toBe("hello");
    socket.terminate();
    const [check] = await runChecks(server.target(trust.publicCa.pem), { only: ["agent"] });
    expect(check).toMatchObject({ status: "ok", detail: expect.stringMatching(/^401: /) as string });
});

test("gRPC passes with mTLS end to end, unary and streaming", async () => {
    const options = await agentThroughNginx();
    const agent = connectAgent(options);
    const payload = Buffer.alloc(1_000_000, 3);
    expect((await agent.ping(payload)).equals(payload)).toBe(true);
    const channel = agent.channel();
    expect(String(await channel.exchange(Buffer.from("one")))).toBe("one");
    await channel.end();
    agent.close();

    const stranger = connectAgent({ ...options, certificate: undefined, privateKey: undefined });
    await expect(stranger.ping(payload)).rejects.toMatchObject({ code: 14 });
    stranger.close();
});

test("a renewal drops no WebSocket and no gRPC stream, and the next client sees the new certificate", async () => {
    const { otlpToken } = await enrol(installation);
    const socket = client.opamp({ authorization: `Bearer ${otlpToken}` });
    await once(socket, "open");
    const agent = connectAgent(await agentThroughNginx());
    const channel = agent.channel();
    const exchange = async (text: string) => {
        socket.send(text);
        return [String(await nextMessage(socket)), String(await channel.exchange(Buffer.from(text)))];
    };
    expect(await exchange("before")).toEqual(["before", "before"]);

    const renewed = await trust.publicCa.issue([HOST]);
    server.renew(renewed);
    const { serialNumber } = new X509Certificate(renewed.cert);
    await expect.poll(() => servedSerial(server.ports.https)).toBe(serialNumber);

    expect(await exchange("after")).toEqual(["after", "after"]);
    // They stay as long as their sessions, and the doctor sees them. nginx tells them to go after the new ones have begun.
    await expect.poll(oldWorkers).toContainEqual(expect.stringMatching(/^old \d+ \d{4,}$/));
    await channel.end();
    agent.close();
    socket.terminate();
    await expect.poll(oldWorkers).toEqual([]);
});

/** What the doctor says of this nginx, and not of others on the machine. */
function oldWorkers(): string[] {
    const look = join(import.meta.dirname, "../../doctor/look.sh");
    const printed = execFileSync("bash", ["-c", '. "$1" && old_workers', "bash", look], { encoding: "utf8" });
    const own = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ");
    return printed.split("\n").filter((line) => own.includes(line.split(" ")[1]!));
}

test("all upstream addresses of a large fleet lead to LinkMesh", async () => {
    const large = renderNginx(nginxArgs(HOST, 100_000));
    const many = await startNginx({ ...large, workerConnections: 4096 });
    try {
        const target = many.target(trust.publicCa.pem);
        for (let round = 0; round < 4; round++) {
            const results = await runChecks(target, { only: ["https", "opamp", "grpc"] });
            expect(results.filter(({ status }) => status !== "ok")).toEqual([]);
        }
    } finally {
        await many.stop();
    }
});

const replace = (file: string, from: string | RegExp, to: string) => (files: Files) => {
    expect(files[file]).toMatch(from);
    return { ...files, [file]: files[file]!.replace(from, to) };
};

test.each<[string, (files: Files) => Files, CheckName, "warn" | "fail", RegExp]>([
    [
        "the redirect uses $host",
        replace("http-redirect.conf", `https://${HOST}$request_uri`, "https://$host$request_uri"),
        "redirect",
        "fail",
        /Host header forged.invalid is redirected/,
    ],
    [
        "the redirect stands at server level",
        replace("http-redirect.conf", "server_tokens off;", `return 301 https://${HOST}$request_uri;`),
        "redirect",
        "fail",
        /challenge .* 301 instead of 404/,
    ],
    [
        "http2 is on",
        replace("http-linkmesh.conf", /listen 443 ssl backlog/g, "listen 443 http2 ssl backlog"),
        "https",
        "warn",
        /also offers HTTP\/2/,
    ],
    [
        "Upgrade is not passed on",
        replace("http-linkmesh.conf", "proxy_set_header Upgrade $http_upgrade;", ""),
        "opamp",
        "fail",
        /^4(00|26): .*no WebSocket upgrade/,
    ],
    [
        "a location sets a header and so loses the inherited ones",
        replace("http-linkmesh.conf", "        internal;", "        internal; proxy_set_header X-A b;"),
        "opamp",
        "fail",
        /^4(00|26)/,
    ],
    [
        "the site has another name",
        replace("http-linkmesh.conf", `server_name ${HOST};`, "server_name other.example.test;"),
        "https",
        "fail",
        /refuses the name/,
    ],
    [
        "TLS ends at the stream",
        replace(
            "main-stream.conf",
            /listen 50051/,
            `ssl_certificate /etc/letsencrypt/live/${HOST}/fullchain.pem; ssl_certificate_key /etc/letsencrypt/live/${HOST}/privkey.pem; listen 50051 ssl`,
        ),
        "grpc",
        "fail",
        /TLS ends at the proxy/,
    ],
    [
        "the stream leads to the HTTP port",
        replace("main-stream.conf", /:50061/g, ":8080"),
        "grpc",
        "fail",
        /does not speak TLS|closes/,
    ],
    [
        "the stream leads nowhere",
        replace("main-stream.conf", /:50061/g, ":1"),
        "grpc",
        "fail",
        /LinkMesh's gRPC behind it does not answer/,
    ],
    ["the site leads nowhere", replace("http-linkmesh.conf", /:8080/g, ":1"), "opamp", "fail", /^503: .*LinkMesh/],
])("a mistake is found from outside: %s", async (_what, edit, name, status, detail) => {
    const broken = await startNginx(config, edit);
    try {
        const target = { ...broken.target(trust.publicCa.pem), ipv6: undefined };
        const [result] = await runChecks(target, { only: [name] });
        expect(result!.detail).toMatch(detail);
        expect(result!.status).toBe(status);
    } finally {
        await broken.stop();
    }
});
