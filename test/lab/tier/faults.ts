import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { labOk } from "../lab.ts";
import type { Fleet } from "./fleet.ts";
import { PATIENCE, allIn, nodeInstance, nodesUnused, onNode, processes, switchOn, tryOnNode } from "./nodes.ts";
import { startFleet } from "./stack.ts";

interface Fault {
    what: string;
    node: string;
    break: (node: string) => Promise<unknown>;
    mend: (node: string) => Promise<unknown>;
}

/** One after the other, on the nodes in turn. */
const FAULTS: Fault[] = [
    {
        what: "the machine is off",
        node: "node-1",
        break: (node) => tryOnNode(node, "systemctl poweroff --force --force"),
        mend: switchOn,
    },
    {
        what: "nginx is dead",
        node: "node-2",
        break: (node) => onNode(node, "systemctl kill --signal=KILL nginx; systemctl stop nginx"),
        mend: (node) => onNode(node, "systemctl start nginx"),
    },
    {
        what: "LinkMesh hangs",
        node: "node-1",
        break: (node) => onNode(node, "systemctl kill --signal=STOP linkmesh-server"),
        mend: (node) => onNode(node, "systemctl kill --signal=CONT linkmesh-server"),
    },
];

/** Each node fails in turn, while clients are at work. */
export function faults(): void {
    let fleet: Fleet;
    beforeAll(async () => {
        fleet = await startFleet();
    });
    afterEach(() => {
        console.log(fleet.met());
    });
    afterAll(() => fleet.stop());

    test.each(FAULTS)(
        "$what: all sessions and streams are back within a minute, no enrolment is lost, and the browser stays logged in",
        async (fault) => {
            await allIn();
            fleet.forget();
            const before = fleet.cuts;
            const since = Date.now();
            await fault.break(fault.node);
            try {
                console.log(`${fault.what}: all back after ${await fleet.back(since)} s`);
                expect(fleet.cuts).toBeGreaterThan(before);
                // Until all zones have noticed, some requests meet the node that failed.
                await expect.poll(nodesUnused, PATIENCE).toEqual([fault.node]);
                expect(await fleet.lost()).toEqual([]);
                expect(await fleet.browser()).toBe(200);
            } finally {
                await fault.mend(fault.node);
            }
            await allIn();
        },
    );

    test("a machine that is replaced takes no other with it", async () => {
        const [old, other] = [nodeInstance("node-1").id, await processes("node-2")];
        fleet.forget();
        const run = await labOk("up", "--replace", "linkmesh-node-1-instance");
        expect(run.stdout).not.toMatch(/step \S+ on node-2/);
        expect(nodeInstance("node-1").id).not.toBe(old);
        expect(await processes("node-2")).toBe(other);
        await fleet.back(Date.now());
        expect(await fleet.lost()).toEqual([]);
    });
}
