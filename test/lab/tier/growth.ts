import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StorageSettings } from "../../../lab/storage/settings.ts";
import { Clients } from "../clients.ts";
import { cloud, labOk, linkmeshInfo, onMachine, sets, status, theLab } from "../lab.ts";
import { allIn, nodeNames, onNode, processes } from "./nodes.ts";
import { environmentOf, severalWith } from "./stack.ts";

interface Known {
    caFingerprint: string;
    token: string;
    bootstrap: Awaited<ReturnType<Clients["enrolledAgent"]>>["bootstrap"];
}

/** The lab cannot tell two networks with the same addresses apart, and for a while one machine and several exist beside each other. */
const NETWORKS = { one: "10.77.1.0/24", several: "" };

/** From one machine with MongoDB to three. */
export class Growth {
    /** What one machine was to its clients. */
    private before!: Known;

    three(storage: () => StorageSettings): void {
        test("the nodes take over the data, the secret and the names of one machine", async () => {
            await this.upOne(storage());
            await this.upThree(storage());
            expect(nodeNames()).toEqual(["node-1", "node-2", "node-3"]);
            await this.expectKept();
            expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
        });
    }

    private async upOne(storage: StorageSettings): Promise<void> {
        await labOk(
            "up",
            ...sets({
                vpcCidr: NETWORKS.one,
                linkmeshConfig: storage.linkmeshConfig,
                linkmeshEnvironment: `@${storage.linkmeshEnvironmentFile}`,
                linkmeshFiles: `@${storage.linkmeshFilesFile}`,
            }),
        );
        const token = await onMachine("linkmesh-server token");
        const { bootstrap, agent } = await new Clients(await status()).enrolledAgent(token);
        agent.close();
        this.before = { caFingerprint: (await linkmeshInfo()).caFingerprint, token, bootstrap };
    }

    /** With the secret of the one machine, which the data in MongoDB belong to. */
    private async upThree(storage: StorageSettings): Promise<void> {
        const secret = await onMachine("sed -n 's/^LINKMESH_SECRET=//p' /etc/default/linkmesh-server");
        const file = join(theLab().dir, "grown-environment.json");
        const environment = { ...environmentOf(storage.linkmeshEnvironmentFile), LINKMESH_SECRET: secret };
        writeFileSync(file, JSON.stringify(environment), { mode: 0o600 });
        const own = { vpcCidr: NETWORKS.several, linkmeshEnvironment: `@${file}` };
        await labOk("up", ...severalWith(storage, 3), ...sets(own));
    }

    back(): void {
        test("the one machine has the data of all, and the tier is gone", async () => {
            await labOk("up", ...sets({ nodes: "1", drainSeconds: "", vpcCidr: NETWORKS.one }));
            await this.expectKept();
            await labOk("check");
            const { loadBalancers, instances, certificates } = cloud();
            expect([loadBalancers, certificates]).toEqual([{}, {}]);
            expect(Object.keys(instances)).toHaveLength(1);
            expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
        });
    }

    private async expectKept(): Promise<void> {
        const { caFingerprint, token, bootstrap } = this.before;
        const clients = new Clients(await status());
        const headers = { Authorization: `Bearer ${token}` };
        const { status: code, body } = await clients.http("/api/v1/info", { headers });
        expect({ code, ...(JSON.parse(body) as object) }).toMatchObject({ code: 200, caFingerprint });
        const agent = clients.agentWith(bootstrap);
        expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
        agent.close();
    }
}

/** A node fewer. */
export function shrinking(): void {
    test("from three nodes to two: the others go on, and serve all", async () => {
        await allIn();
        const before = await Promise.all(["node-1", "node-2"].map(processes));
        const token = await onNode("node-1", "linkmesh-server token");
        const run = await labOk("up", "--set", "nodes=2");
        expect(run.stdout).not.toMatch(/✓ step /);
        expect(nodeNames()).toEqual(["node-1", "node-2"]);
        expect(await Promise.all(["node-1", "node-2"].map(processes))).toEqual(before);
        await allIn();
        const clients = new Clients(await status());
        for (let n = 0; n < 10; n++) expect((await clients.whoami(token)).address).toBe(theLab().net.outer);
    });
}
