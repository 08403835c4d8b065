import { execa } from "execa";
import { Interrupted } from "../lab/engine/stack.ts";
import { type Lab, LabError } from "../lab/lab.ts";
import { CHECKOUT, findLab } from "../lab/slots.ts";
import { onInterrupt } from "../lab/process/interrupt.ts";
import { takeLock } from "../lab/process/lock.ts";
import type { StageTime } from "../lab/ui.ts";

// The benchmark has a lab of its own, beside one that is in use.
process.env.LINKMESH_LAB_NAME = "bench";

const interruption = new AbortController();

/** Aborted when the user interrupts the benchmark. */
export const interrupted = interruption.signal;

/** Makes Ctrl-C end the benchmark at the next {@link stopIfInterrupted}. Returns a function that undoes it. */
export function watchInterrupts(): () => void {
    return onInterrupt(() => interruption.abort());
}

/** @throws Interrupted */
export function stopIfInterrupted(): void {
    if (interrupted.aborted) throw new Interrupted("the benchmark was interrupted");
}

/** A second benchmark would destroy the lab of the first, and both would slow each other down. */
export function lockBenchmark(): Promise<() => void> {
    return takeLock(
        "the benchmark's lab",
        "run the benchmark",
        ({ pid }) => new LabError(`process ${pid} runs the benchmark: wait until it ends, or end it`),
    );
}

/**
 * Runs a lab command as `npm run lab --` does, without npm itself, and gives its stdout. Ctrl-C interrupts the command,
 * unless it must `finish`.
 *
 * @throws Interrupted, or LabError if the command fails
 */
export async function lab(args: readonly string[], { finish = false } = {}): Promise<string> {
    // In a process group of its own, because the terminal's Ctrl-C would reach it a second time.
    const child = execa(process.execPath, ["lab/start.js", ...args], {
        cwd: CHECKOUT,
        detached: true,
        stdin: "ignore",
        reject: false,
    });
    const release = onInterrupt((signal) => {
        if (finish) return;
        interruption.abort();
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

export async function labUp(): Promise<StageTime[]> {
    return (JSON.parse(await lab(["up", "--json"])) as { stages: StageTime[] }).stages;
}

/** Also destroys what a benchmark that was killed has left. */
export async function labDestroy(): Promise<void> {
    if (findLab()) await lab(["destroy", "--ignore-protect"], { finish: true });
}

/** @throws LabError if the benchmark's lab is not up */
export function benchLab(): Lab {
    const found = findLab();
    if (!found)
        throw new LabError("the benchmark's lab is gone: do not destroy it meanwhile, and run the benchmark again");
    return found;
}
