import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { HEALTH_PATH } from "../../components/health.ts";
import { readFile } from "../../components/host/render/script.ts";
import { type Asked, BalancedNginx, CLIENT4, STRANGER } from "./balanced-nginx.ts";
import { freePort } from "./free-port.ts";
import { proxyLocal, proxyV2 } from "./proxy-header.ts";

const nginx = BalancedNginx.forThisFile();
/** nginx gives an answer again for 2 seconds and the rest of the third. */
const KEPT_MS = 3_100;

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
        expect(await nginx.ask(HEALTH_PATH, asked)).toMatchObject({ status: 200, body: "well" });
    });

    test.each<[string, Asked]>([
        ["a client of the load balancer", { ...check, header: proxyV2({ address: CLIENT4 }) }],
        ["a client that names the machine", { header: proxyV2({ address: CLIENT4 }), host: "127.0.0.1" }],
        ["a stranger", { ...check, from: STRANGER }],
        ["the machine", { host: check.host, from: "127.0.0.1", port: 0 }],
    ])("%s gets 421 in its place", async (_, asked) => {
        const port = asked.port === 0 ? nginx.server.ownPorts.https : nginx.server.ports.https;
        expect((await nginx.ask(HEALTH_PATH, { ...asked, port })).status).toBe(421);
    });

    test("shows nothing else", async () => {
        for (const path of ["/", "/why", `${HEALTH_PATH}/why`, "/api/v1/collectors"])
            expect((await nginx.ask(path, check)).status).toBe(421);
    });

    test("fails while LinkMesh is about to stop, when clients are still served", async () => {
        const client = { header: proxyV2({ address: CLIENT4 }) };
        nginx.server.drain(true);
        expect((await nginx.ask(HEALTH_PATH, check)).status).toBe(503);
        expect((await nginx.ask(HEALTH_PATH, client)).status).toBe(200);
        expect((await nginx.ask("/", client)).status).toBe(200);
        nginx.server.drain(false);
        expect((await nginx.ask(HEALTH_PATH, check)).status).toBe(200);
    });

    test("asks for no more than what the machine needs to serve clients, and clients for all that should be well", async () => {
        const client = { header: proxyV2({ address: CLIENT4 }) };
        nginx.health["/"] = 503;
        await sleep(KEPT_MS);
        expect((await nginx.ask(HEALTH_PATH, client)).status).toBe(503);
        expect((await nginx.ask(HEALTH_PATH, check)).status).toBe(200);
        nginx.health["/serves"] = 503;
        await sleep(KEPT_MS);
        expect(await nginx.ask(HEALTH_PATH, check)).toMatchObject({ status: 503, body: "not well" });
        Object.assign(nginx.health, { "/": 200, "/serves": 200 });
        await sleep(KEPT_MS);
    });

    test("is asked in the same way by the step in-service, which waits for it", async () => {
        const asks = async (port: number) => {
            const script = readFile("ask_as_balancer.py").replace("(address, 443)", `(address, ${port})`);
            return (await execa("python3", ["-c", script, "::1", HEALTH_PATH])).stdout;
        };
        expect(await asks(nginx.server.ports.https)).toBe("200");
        nginx.server.drain(true);
        expect(await asks(nginx.server.ports.https)).toBe("503");
        nginx.server.drain(false);
        expect(await asks(nginx.server.ports.grpc)).toBe("");
        expect(await asks(await freePort())).toBe("");
    });

    test("is not logged", async () => {
        const requested = (of: string) =>
            nginx.logged("access.log").flatMap((line) => (line.includes(of) ? /"GET (\S+)/.exec(line)![1] : []));
        const socket = await nginx.connect(nginx.server.ports.https, check);
        const secure = tls.connect({ socket, rejectUnauthorized: false });
        const paths = [`${HEALTH_PATH}?of=check`, "/?of=check"];
        // On one connection nginx logs them in this order, so the second line says that the first will not come.
        secure.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: ${check.host}\r\n\r\n`).join(""));
        await expect.poll(() => requested("of=check")).toContain("/?of=check");
        expect(requested("of=check")).toEqual(["/?of=check"]);
        await nginx.ask(`${HEALTH_PATH}?of=client`, { header: proxyV2({ address: CLIENT4 }) });
        await expect.poll(() => requested("of=client")).toEqual([`${HEALTH_PATH}?of=client`]);
    });
});
