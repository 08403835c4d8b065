import http from "node:http";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { HEALTH_PATH } from "../../components/health.ts";
import { authorities, HOST } from "./checks-site.ts";
import { freePort } from "./free-port.ts";
import { NginxClient } from "./nginx-client.ts";
import { nginxArgs, NginxServer } from "./nginx-server.ts";

let server: NginxServer;
let client: NginxClient;
let socket: string;

/** In place of the program on the machine. */
let status = 200;
let asked: string[] = [];
const health = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status).end(request.url === "/why" ? "the reasons" : "one word");
});

beforeAll(async () => {
    const { publicPair, publicCa } = await authorities();
    const upstream = { http: await freePort(), grpc: await freePort() };
    const config = renderNginx(nginxArgs(HOST, 1_000));
    server = await NginxServer.start({ config, domain: HOST, certificate: publicPair, upstream });
    client = new NginxClient(server, publicCa.pem);
    socket = join(server.directory, "linkmesh-proxy/health.sock");
    mkdirSync(dirname(socket));
    await new Promise<void>((resolve) => health.listen(socket, resolve));
    chmodSync(socket, 0o666);
});
afterAll(async () => {
    await server?.stop();
    health.close();
});
beforeEach(() => {
    asked = [];
});

test("many questions at once share one answer, which nobody else may keep", async () => {
    const begun = Date.now();
    const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => client.https(`${HEALTH_PATH}?${i}`)));
    expect(new Set(replies.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(["200 one word"]));
    const { headers } = replies[0]!;
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["strict-transport-security"]).toContain("max-age=");
    // nginx keeps an answer for 2 seconds, which may be over before a busy machine has asked all of them.
    const times = Math.ceil((Date.now() - begun) / 2_000);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(times);
});

test("only reading is allowed", async () => {
    expect((await client.https(HEALTH_PATH, { method: "POST" }, Buffer.from("x"))).status).toBe(403);
    expect((await client.https(HEALTH_PATH, { method: "HEAD" })).status).toBe(200);
});

test("the reasons are told to the machine itself alone, and on port 80", async () => {
    expect((await client.http(HEALTH_PATH)).status).toBe(404);
    expect(await client.http(HEALTH_PATH, { localAddress: "127.0.0.1" })).toMatchObject({
        status: 200,
        body: "the reasons",
    });
    expect(asked).toEqual(["GET /why"]);
    for (const path of [`${HEALTH_PATH}/why`, `${HEALTH_PATH}?/why`, `${HEALTH_PATH}/../why`])
        expect((await client.https(path)).body).not.toContain("reasons");
});

test("503 while the machine is not well, and when nothing answers on it", async () => {
    status = 503;
    await expect.poll(() => client.https(HEALTH_PATH)).toMatchObject({ status: 503, body: "one word" });
    await new Promise((resolve) => health.close(resolve));
    rmSync(socket, { force: true });
    await expect
        .poll(() => client.https(HEALTH_PATH))
        .toMatchObject({
            status: 503,
            headers: { "retry-after": expect.stringMatching(/^\d$/) as string },
        });
});
