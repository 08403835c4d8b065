import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningUp, ServedUp, connectionOf, stepAtWork, steps } from "./running-up.ts";
import { identity, lab, labOk, tryOnMachine, useLab } from "./lab.ts";
import { USUAL_STEPS } from "../usual-steps.ts";

// One stack whose `up` is interrupted, in every step by every fault.
useLab("test-interruptions");

/** Faults that interrupt a step. Its work on the machine goes on, unless the machine itself stops. */
const FAULTS = {
    "connection killed": (_up: ServedUp | RunningUp, pid: number) => {
        process.kill(connectionOf(pid), "SIGKILL");
        process.kill(pid, "SIGCONT");
    },
    "machine rebooted": async () => void (await tryOnMachine("systemctl reboot --force --force")),
    "engine killed": async (up: ServedUp | RunningUp, pid: number) => {
        await (up as RunningUp).kill();
        process.kill(pid, "SIGCONT");
    },
};
type Fault = keyof typeof FAULTS;
const FINISHED = "finished by the next up";

/** Step by fault: the result of the interrupted step. */
const matrix: Record<string, Partial<Record<Fault, string>>> = {};

// One new machine for each fault, so that each step has all of its work to do. The next `up` has to finish the step that
// was cut, and is cut itself in the step after it. The steps are those of the stack, so that a new one is cut as well.
let before: Awaited<ReturnType<typeof identity>>;
let durations: Map<string, number>;
let types = ["t3.medium", "t3.small"];

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    await labOk("up", "--set", 'linkmeshFiles={"git-key":"kept"}');
    before = await identity();
    durations = await watchSteps(["--set", "instanceType=t3.large"]);
});

afterAll(async () => {
    console.log(table());
    await lab("destroy", "--ignore-protect");
});

test.each(Object.keys(FAULTS) as Fault[])(
    "every step, %s while it runs: the next up goes on from there, and ends with the same identity",
    async (fault) => {
        const names = steps();
        expect(names).toContain("files");
        expect(names.filter((name) => name !== "files")).toEqual(USUAL_STEPS);
        const set = ["--set", `instanceType=${types[0]}`];
        types = types.toReversed();
        for (const [i, name] of names.entries()) {
            (matrix[name] ??= {})[fault] = "never seen at work";
            const up = fault === "engine killed" ? new RunningUp(set) : new ServedUp(set);
            try {
                const pid = await up.until(() => pidOf(name, names));
                if (i > 0) matrix[names[i - 1]!]![fault] = FINISHED;
                // A long step a little way into its work, a short one at once: how long it takes depends on what the cut
                // before it left to do, and on the other lab. It stands still while it is cut.
                const duration = durations.get(name) ?? 0;
                if (duration > 3000) await sleep(Math.min(0.15 * duration, 2000));
                if (stepAtWork()?.pid !== pid) throw new Error(`${name} was over before it could be cut`);
                process.kill(pid, "SIGSTOP");
                matrix[name][fault] = "not finished by the next up";
                await FAULTS[fault](up, pid);
                await up.ended;
            } finally {
                await up.close();
            }
            // The error names the interruption and the step; a killed engine reports nothing.
            if (fault !== "engine killed") expect(up.stderr).toMatch(new RegExp(`^error: .*step ${name}`, "m"));
        }
        await labOk("up", ...set);
        matrix[names.at(-1)!]![fault] = FINISHED;
        await labOk("check");
        expect(await identity()).toEqual(before);
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        for (const name of names) expect(matrix[name]![fault], `${name}, ${fault}`).toBe(FINISHED);
    },
);

/** Sets up a new machine without an interruption. Returns the milliseconds of each step's work. */
async function watchSteps(args: string[]): Promise<Map<string, number>> {
    const durations = new Map<string, number>();
    const up = new ServedUp(args);
    let seen: { name: string; since: number } | undefined;
    while (up.exitCode === null) {
        const name = stepAtWork()?.name;
        if (name && name !== seen?.name) seen = { name, since: Date.now() };
        if (name && seen) durations.set(name, Date.now() - seen.since);
        await sleep(5);
    }
    expect(up.exitCode, up.stderr).toBe(0);
    expect([...durations.keys()]).toEqual(steps());
    return durations;
}

/** The process of a running step; undefined while an earlier step runs. */
function pidOf(name: string, names: string[]): number | undefined {
    const step = stepAtWork();
    if (!step || names.indexOf(step.name) < names.indexOf(name)) return undefined;
    if (step.name !== name) throw new Error(`${step.name} runs, and ${name} was not seen at work`);
    return step.pid;
}

/** The matrix as text, a line for each step. */
function table(): string {
    const faults = Object.keys(FAULTS) as Fault[];
    const rows = [
        ["step", ...faults],
        ...Object.entries(matrix).map(([step, row]) => [step, ...faults.map((f) => row[f] ?? "not tried")]),
    ];
    const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    return rows
        .map((row) =>
            row
                .map((cell, i) => cell.padEnd(widths[i]!))
                .join("   ")
                .trimEnd(),
        )
        .join("\n");
}
