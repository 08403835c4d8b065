import { readOutputs } from "../lab/commands/session.ts";
import { hostOf, requireOutputs } from "../lab/commands/endpoints.ts";
import type { Progress } from "../lab/lab.ts";
import { DowntimeWatch } from "./downtime.ts";
import { benchLab, lab } from "./lab.ts";

/** The seconds without https in each replacement of the machine. */
export async function measureReplacement(runs: number, progress: Progress): Promise<number[]> {
    const outputs = requireOutputs(readOutputs(benchLab()));
    const seconds: number[] = [];
    for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}`);
        const watch = new DowntimeWatch(outputs.ipv4, hostOf(outputs));
        try {
            await lab(["up", "--replace", "linkmesh-machine-instance"]);
        } finally {
            seconds.push(await watch.stop());
        }
    }
    return seconds;
}
