import type { PulumiCli } from "../lab/engine/find-pulumi.ts";
import type { Progress } from "../lab/lab.ts";
import { benchLab, labDestroy, labUp } from "./lab.ts";
import type { Context } from "./part.ts";
import { Rig } from "./rig/rig.ts";

/** What all parts of one run share, and what must go at its end. */
export class Bench {
    #labIsUp = false;
    #rig: Rig | undefined;

    constructor(
        private readonly options: { quick: boolean; runs: number | undefined; cli: PulumiCli; signal: AbortSignal },
    ) {}

    /** Makes the next part start with machines of its own, because a part that failed may have left anything. */
    async forget(): Promise<void> {
        this.#labIsUp = false;
        this.#rig = undefined;
        await Bench.remove();
    }

    /** The context of one part. Its `end` must be called, whatever happens. */
    context(progress: Progress): { context: Context; notes: string[]; end: () => Promise<void> } {
        const notes: string[] = [];
        const cleanups: (() => Promise<unknown>)[] = [];
        const context: Context = {
            ...this.options,
            progress,
            note: (text) => void notes.push(text),
            onCleanup: (clean) => void cleanups.push(clean),
            lab: async () => {
                if (!this.#labIsUp) {
                    progress("a lab of its own, with full caches");
                    await labDestroy();
                    await labUp();
                    this.#labIsUp = true;
                }
                return benchLab();
            },
            rig: async () => (this.#rig ??= await Rig.start(progress, this.options.signal)),
        };
        const end = async () => {
            for (const clean of cleanups.reverse()) await clean();
        };
        return { context, notes, end };
    }

    /** Removes the lab and the machines, and what a benchmark that was killed has left of them. */
    static async remove(): Promise<void> {
        await Rig.remove();
        await labDestroy();
    }
}
