import { LabError, type Progress } from "../lab/lab.ts";
import type { StageTime } from "../lab/ui.ts";
import { benchLab, labDestroy, labUp } from "./lab.ts";
import { medianRun, timed } from "./spread.ts";

export interface ColdTimes {
    /** Seconds of each run. */
    seconds: number[];
    /** The stages of the run that is nearest to the median. */
    stages: StageTime[];
}

/** Times `up` without a lab, with the caches (engine, images, Debian packages) that an earlier `up` filled. */
export async function measureCold(runs: number, progress: Progress): Promise<ColdTimes> {
    const seconds: number[] = [];
    const stages: StageTime[][] = [];
    const { slot } = benchLab();
    for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}: destroy`);
        await labDestroy();
        progress(`run ${run} of ${runs}: up`);
        seconds.push(await timed(async () => stages.push(await labUp())));
        if (benchLab().slot !== slot) {
            throw new LabError(
                "another lab took the benchmark's slot and its package cache: create no lab while the benchmark runs, and run it again",
            );
        }
    }
    return { seconds, stages: stages[medianRun(seconds)] ?? [] };
}
