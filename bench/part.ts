import type { PulumiCli } from "../lab/engine/find-pulumi.ts";
import type { Lab, Progress } from "../lab/lab.ts";
import type { Measure } from "./measure.ts";
import type { Rig } from "./rig/rig.ts";

/** One topic of the benchmark, with a JSON file of its own. */
export interface Part {
    name: string;
    /** One line for `--help` and for the tables. */
    what: string;
    minutes: { full: number; quick: number };
    measure(context: Context): Promise<Measure[]>;
}

/** What a part has at hand. */
export interface Context {
    /** Whether small numbers and one run do, because the rig itself is to be tried. */
    readonly quick: boolean;
    /** How many runs the user asked for. */
    readonly runs: number | undefined;
    readonly progress: Progress;
    /** Aborted by Ctrl-C. */
    readonly signal: AbortSignal;
    readonly cli: PulumiCli;
    /** Keeps a sentence that is no figure, for example which limit refused a session. */
    note(text: string): void;
    /** Does this at the end of the part, the last one first, also after Ctrl-C and errors. */
    onCleanup(clean: () => Promise<unknown>): void;
    /** The benchmark's own lab, which the first call brings up. */
    lab(): Promise<Lab>;
    /** The machines of this program and its rivals, which the first call starts. */
    rig(): Promise<Rig>;
}

/** Measures each part. One that fails does not keep the others from being measured, unless `failed` throws. */
export async function inTurn(
    parts: readonly Part[],
    measure: (part: Part) => Promise<void>,
    failed: (error: unknown) => Promise<void>,
): Promise<void> {
    for (const part of parts) await measure(part).catch(failed);
}

/** How many runs a part makes: as many as the user asked for, one if it is to be quick. */
export function runsOf({ runs, quick }: Context, full: number): number {
    return runs ?? (quick ? 1 : full);
}
