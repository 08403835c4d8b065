import { LabError } from "../../lab/lab.ts";
import type { StageTime } from "../../lab/ui.ts";
import { benchLab, labDestroy, labUp } from "../lab.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";
import { medianRun, timed } from "../spread.ts";

const GOAL_SECONDS = 90;

/** `up` without a lab, with the caches (engine, images, Debian packages) that an earlier `up` filled. */
export const cold: Part = {
    name: "cold",
    what: "`npm run lab -- up` after `npm run lab -- destroy`, with full caches",
    minutes: { full: 2, quick: 0.6 },
    measure,
};

async function measure(context: Context): Promise<Measure[]> {
    const measures = new Measures();
    const seconds: number[] = [];
    const stages: StageTime[][] = [];
    const { slot } = await context.lab();
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        context.progress(`run ${run} of ${runs}: destroy`);
        await labDestroy();
        context.progress(`run ${run} of ${runs}: up`);
        seconds.push(await timed(async () => stages.push(await labUp())));
        measures.add(THIS_PROGRAM, "cold up from cached images", seconds.at(-1)!, {
            unit: "s",
            better: "less",
            goal: GOAL_SECONDS,
        });
        if (benchLab().slot !== slot) {
            throw new LabError(
                "another lab took the benchmark's slot and its package cache: create no lab while the benchmark runs, and run it again",
            );
        }
    }
    const median = stages[medianRun(seconds)] ?? [];
    const longest = median.filter(({ seconds }) => seconds >= 0.5);
    context.note(
        "Stages of the median run that take 0.5 s or more (`program` spans all from `keys` on; some run side by side): " +
            longest.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join(", "),
    );
    return measures.list();
}
