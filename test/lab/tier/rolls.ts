import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPackage } from "../../../lab/linkmesh/build.ts";
import type { StorageSettings } from "../../../lab/storage/settings.ts";
import { lab, labOk } from "../lab.ts";
import { brokenPackage, scratch } from "../linkmesh-upgrade.ts";
import { RunningUp } from "../running-up.ts";
import type { Fleet } from "./fleet.ts";
import { allIn, nodeNames, nodesOut, onNode, outDuring, processes } from "./nodes.ts";
import { metrics, startFleet } from "./stack.ts";

const NEWER = "1.101.1~standin";
const BROKEN = "1.101.2~standin";

/** Changes of all nodes, one after the other, while clients are at work. */
export function rolls(storage: () => StorageSettings): void {
    let fleet: Fleet;
    let file: string;
    const versions = () => Promise.all(nodeNames().map((name) => onNode(name, "linkmesh-server version")));
    const all = (value: string) => nodeNames().map(() => value);
    beforeAll(async () => {
        ({ file } = await buildPackage({ outDir: scratch(), version: NEWER }));
        fleet = await startFleet();
    });
    afterAll(() => fleet.stop());

    /** What requests may meet: a 503 comes with Retry-After. */
    const expectAnswers = () => {
        const answers = [...fleet.answers.keys()].filter((answer) => answer !== "503 with Retry-After");
        expect(answers, fleet.met()).toEqual(["200"]);
    };

    test("LinkMesh is upgraded on one node after the other, and nobody is answered but well or with Retry-After", async () => {
        await allIn();
        fleet.forget();
        const { result, together } = await outDuring(() => labOk("up", "--package", file));
        expect(result.stdout).toMatch(/✓ step in-service on node-1 [^]*✓ step package on node-2 /);
        console.log(fleet.met(), together);
        expect(together).toEqual(nodeNames());
        expectAnswers();
        expect(await versions()).toEqual(all(NEWER));
        await fleet.back(Date.now());
        expect(await fleet.lost()).toEqual([]);
        expect(await fleet.browser()).toBe(200);
    });

    test("a package that does not answer stops at the first node, which puts the old one back", async () => {
        const before = await processes("node-2");
        fleet.forget();
        const broken = await brokenPackage(BROKEN);
        const { result, together } = await outDuring(() => lab("up", "--package", broken));
        expect(result.exitCode).not.toBe(0);
        expect(result.stderr).toMatch(
            new RegExp(
                `^error: step install on node-1: LinkMesh ${BROKEN} does not answer.* so ${NEWER} and .* in place again: see`,
                "m",
            ),
        );
        expect(result.stdout).not.toMatch(/step \S+ on node-2/);
        expect(together).toEqual(["node-1"]);
        expect(await processes("node-2")).toBe(before);
        expect(await versions()).toEqual(all(NEWER));
        expectAnswers();
        await allIn();
        await labOk("up", "--package", file);
        expect(await fleet.lost()).toEqual([]);
    });

    test("an up that is killed while the second node is out is finished by the next one", async () => {
        await allIn();
        fleet.forget();
        const first = await processes("node-1");
        const set = metrics(storage(), true);
        const { together } = await outDuring(async () => {
            const up = new RunningUp(set);
            try {
                await up.until(() => /✓ step in-service on node-1/.test(up.stdout));
                await up.until(async () => (await nodesOut()).includes("node-2"));
                await up.kill();
            } finally {
                await up.close();
            }
            const changed = await processes("node-1");
            expect(changed).not.toBe(first);
            await labOk("up", ...set);
            expect(await processes("node-1")).toBe(changed);
        });
        expect(together).toEqual(nodeNames());
        expectAnswers();
        const enabled = "grep -A1 '^metrics:' /etc/linkmesh/config.yaml";
        for (const name of nodeNames()) expect(await onNode(name, enabled)).toContain("enabled: true");
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        await fleet.back(Date.now());
        expect(await fleet.lost()).toEqual([]);
    });
}
