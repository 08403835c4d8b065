import { execa } from "execa";
import { Interrupted } from "../lab/engine/stack.ts";
import { type Lab, LabError } from "../lab/lab.ts";
import { CHECKOUT, findLab } from "../lab/labs.ts";
import { onInterrupt } from "../lab/process/interrupt.ts";
import { takeLock } from "../lab/process/lock.ts";
import type { StageTime } from "../lab/ui.ts";

/** The benchmark has a lab of its own, beside one that is in use. */
process.env.LINKMESH_LAB_NAME = "bench";

let interrupted = false;

/** From now on Ctrl-C ends the benchmark at the next {@link stopIfInterrupted}, when nothing of its own takes care of it. */
export function watchInterrupts(): () => void {
    return onInterrupt(() => (interrupted = true));
}

/** @throws Interrupted */
export function stopIfInterrupted(): void {
    if (interrupted) throw new Interrupted("the benchmark was interrupted");
}

/** Only one benchmark at a time: a second one would take the first one's lab away, and both would measure each other. */
export function lockBenchmark(): Promise<() => void> {
    return takeLock(
        "the benchmark's lab",
        "run the benchmark",
        ({ pid }) => new LabError(`process ${pid} runs the benchmark at this moment: wait for it to end, or end it`),
    );
}

/**
 * Runs a lab command as `npm run lab --` does, without npm itself; gives what it printed on stdout. Ctrl-C is passed
 * on to it once, and is ignored by a command that must `finish`.
 *
 * @throws Interrupted when the user interrupted, LabError when the command fails
 */
export async function lab(args: readonly string[], { finish = false } = {}): Promise<string> {
    // In a process group of its own, so that the terminal's Ctrl-C does not reach it a second time.
    const child = execa(process.execPath, ["lab/start.js", ...args], {
        cwd: CHECKOUT,
        detached: true,
        stdin: "ignore",
        reject: false,
    });
    const release = onInterrupt((signal) => {
        if (finish) return;
        interrupted = true;
        child.kill(signal);
    });
    try {
        const { exitCode, signal, stdout, stderr } = await child;
        if (!finish) stopIfInterrupted();
        if (exitCode === 0) return stdout;
        const reason =
            /^error: ([\s\S]*)/m.exec(stderr)?.[1]?.trim() ??
            `it ended with ${exitCode ?? signal}\n${stdout}\n${stderr}`;
        throw new LabError(`\`lab ${args.join(" ")}\` failed: ${reason}`);
    } finally {
        release();
    }
}

/** Brings the benchmark's lab up; gives the seconds of each stage. */
export async function labUp(): Promise<StageTime[]> {
    return (JSON.parse(await lab(["up", "--json"])) as { stages: StageTime[] }).stages;
}

/** Takes the benchmark's lab away, also what an earlier benchmark that was killed has left. */
export async function labDestroy(): Promise<void> {
    if (findLab()) await lab(["destroy", "--ignore-protect"], { finish: true });
}

/** The benchmark's lab, which must be up. */
export function benchLab(): Lab {
    const found = findLab();
    if (!found)
        throw new LabError("the benchmark's lab is gone: run the benchmark again, and leave its lab alone meanwhile");
    return found;
}
