import { LabError, type Progress } from "../lab/lab.ts";
import type { StageTime } from "../lab/ui.ts";
import { benchLab, labDestroy, labUp } from "./lab.ts";
import { medianRun, timed } from "./spread.ts";

export interface ColdTimes {
    /** Seconds of each run, the whole process. */
    seconds: number[];
    /** Those of the run that is nearest to the median. */
    stages: StageTime[];
}

/** Times `up` from nothing but the caches (engine, images, Debian packages), which an earlier `up` has filled. */
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
                "another lab took the benchmark's slot, and with it its package cache: leave the labs alone meanwhile",
            );
        }
    }
    return { seconds, stages: stages[medianRun(seconds)] ?? [] };
}
