import { expect, test } from "vitest";
import { killAll, processesOfLab } from "../../lab/cloud/process.ts";
import { RunningUp, engines } from "./cut.ts";
import { identity, labOk, onMachine, theLab } from "./lab.ts";

/** What was cut is finished by the next `up`, and nothing of the identity is lost on the way. */
export function crash(): void {
    // Moments that every run comes by, whatever the machine's speed: the engine holds the stack, or a step is under way.
    test.each<[string, number, (up: RunningUp) => boolean]>([
        ["as soon as the engine holds the stack", 40_000, () => engines().length > 0],
        ["while the step proxy runs", 70_000, (up) => /✓ step nginx/.test(up.stdout)],
    ])("up and its engine killed with SIGKILL %s: the next one converges", async (_, collectors, moment) => {
        const before = await identity();
        const set = ["--set", `collectorsExpected=${collectors}`];
        const up = new RunningUp(set);
        await up.until(() => moment(up));
        await up.kill();
        await labOk("up", ...set);
        expect(await onMachine("grep -c max_fails /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe(
            String(Math.ceil(collectors / 28_000)),
        );
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        expect(await identity()).toEqual(before);
    });

    test("every process of the lab killed at once, as by a power cut: up brings the same machine back", async () => {
        const before = await identity();
        const pids = processesOfLab(theLab());
        expect(pids.length).toBeGreaterThan(3);
        await killAll(pids);
        const run = await labOk("up");
        expect(run.stdout).toMatch(/✓ program: no change/);
        expect(await identity()).toEqual(before);
    });
}
