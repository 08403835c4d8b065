import { expect, test } from "vitest";
import { killAll, processesOfLab } from "../../lab/process/process.ts";
import { RunningUp, engines } from "./running-up.ts";
import { changeCloud, identity, labOk, onMachine, status, theLab } from "./lab.ts";

/** The next `up` finishes an interrupted one, and the identity stays. */
export function killedUp(): void {
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
        expect(await onMachine("grep -c 'max_fails=0;' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe(
            String(Math.ceil(collectors / 28_000)),
        );
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        expect(await identity()).toEqual(before);
        // Nothing was being made in the cloud, where an engine that is killed leaves it to the user.
        expect((await status()).leftOver).toEqual([]);
    });

    test("status lists what the cloud holds of the stack and its state does not", async () => {
        const volume = { sizeGiB: 10, availabilityZone: "eu-central-1a" };
        await changeCloud((state) => {
            const [tags] = Object.keys(state.volumes).map((id) => state.tags![id]!);
            state.volumes["vol-0left"] = { id: "vol-0left", ...volume };
            state.tags!["vol-0left"] = tags!;
        });
        expect((await status()).leftOver).toEqual(["vol-0left"]);
        expect((await labOk("status")).stdout).toMatch(/^left over +vol-0left: made by an `up` that was killed$/m);
        await changeCloud((state) => {
            delete state.volumes["vol-0left"];
            delete state.tags!["vol-0left"];
        });
    });

    test("after all processes of the lab are killed at once, as by a power cut, up brings the same machine back", async () => {
        const before = await identity();
        const pids = processesOfLab(theLab());
        expect(pids.length).toBeGreaterThan(3);
        await killAll(pids);
        const run = await labOk("up");
        expect(run.stdout).toMatch(/✓ program: no change/);
        expect(await identity()).toEqual(before);
    });
}
