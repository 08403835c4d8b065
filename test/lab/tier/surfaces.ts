import { beforeAll, expect, test } from "vitest";
import { HSTS_SECONDS } from "../../../components/host/render/nginx/tls.ts";
import { Clients, exchange } from "../clients.ts";
import { expectMutualTls } from "../endpoints.ts";
import { lab6, labOk, status, theLab } from "../lab.ts";
import type { Run } from "../run.ts";
import { addressesOf } from "./stack.ts";
import { nodeNames, onNode, processes } from "./nodes.ts";

/** The public endpoints through the load balancer, at each of its addresses, and the commands that look at all machines. */
export function surfaces(up: () => Run): void {
    let found: Awaited<ReturnType<typeof status>>;
    let token: string;
    let all: { address: string; clients: Clients }[];
    beforeAll(async () => {
        found = await status();
        token = await onNode("node-1", "linkmesh-server token");
        all = addressesOf(found).map((address) => ({ address, clients: new Clients(found, address) }));
    });

    test("the second node is set up when the first serves", () => {
        expect(up().stdout).toMatch(
            /✓ step in-service on node-1 [^]*✓ step ready on node-2 [^]*✓ step in-service on node-2 /,
        );
    });

    test("the load balancer has an address of each family in each zone, and the records name them all", () => {
        const { outputs } = found;
        expect(all.map(({ address }) => address)).toEqual([...outputs.ipv4Addresses!, ...outputs.ipv6Addresses!]);
        expect(outputs.ipv4Addresses).toHaveLength(3);
        expect(outputs.ipv6Addresses).toHaveLength(3);
        const published = outputs.dnsRecords.filter(({ type }) => type !== "CNAME").map(({ value }) => value);
        expect(published.sort()).toEqual(all.map(({ address }) => address).sort());
    });

    test("each address has the page, OpAMP for who may, and gRPC by mTLS", async () => {
        for (const { address, clients } of all) {
            const page = await clients.http("/");
            expect([address, page.status]).toEqual([address, 200]);
            expect(page.headers["strict-transport-security"]).toContain(`max-age=${HSTS_SECONDS}`);
            await expect(clients.opamp()).rejects.toThrow("401");
            const socket = await clients.opamp(token);
            const message = Buffer.from("x".repeat(100_000));
            expect((await exchange(socket, message)).equals(message)).toBe(true);
            socket.terminate();
            await expectMutualTls(clients, token, "linkmesh.example.test:50051");
        }
    });

    test("LinkMesh sees the client's true address in both families, whatever headers it forges", async () => {
        const forged = { "X-Forwarded-For": "198.51.100.66", "X-Real-IP": "198.51.100.66" };
        for (const { address, clients } of all) {
            expect(await clients.whoami(token, forged)).toMatchObject({
                address: address.includes(":") ? lab6() : theLab().net.outer,
                scheme: "https",
                viaTrustedProxy: true,
            });
        }
    });

    test("all nodes serve, and share LinkMesh's data", async () => {
        const { clients } = all[0]!;
        const { bootstrap, agent } = await clients.enrolledAgent(token);
        agent.close();
        const call =
            'curl -s -H "Authorization: Bearer $(linkmesh-server token)" http://127.0.0.1:8080/api/v1/collectors';
        const { collectorId } = bootstrap as unknown as { collectorId: string };
        for (const name of nodeNames()) expect(await onNode(name, call)).toContain(collectorId);
        const served = (name: string) => onNode(name, "grep -c 'GET / ' /var/log/nginx/access.log || true");
        await expect
            .poll(async () => {
                await clients.http("/");
                return Promise.all(nodeNames().map(served));
            })
            .not.toContain("0");
    });

    test("check and doctor find nothing wrong with any node", async () => {
        const checked = await labOk("check");
        const examined = await labOk("doctor");
        for (const name of nodeNames()) {
            expect(checked.stdout).toContain(name);
            expect(examined.stdout).toContain(name);
        }
    });

    test("a second up changes nothing, and restarts nothing", async () => {
        const before = await Promise.all(nodeNames().map(processes));
        expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
        expect(await Promise.all(nodeNames().map(processes))).toEqual(before);
    });
}
