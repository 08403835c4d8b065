import { Reconciler } from "../cloud/reconciler.ts";
import type { Snapshot } from "../cloud/state.ts";
import { CloudStore } from "../cloud/store.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { LabError } from "../lab.ts";
import { lockLab, requireLab } from "../slots.ts";
import { runLifecyclePolicies } from "../providers/aws/snapshot-scheduler.ts";
import { Ui } from "../ui.ts";

/** Runs every enabled snapshot policy once, in place of the cloud's scheduler, and prints a line for each snapshot. */
export async function snapshot(): Promise<void> {
    const lab = requireLab();
    requireMachine();
    const unlock = await lockLab(lab, "snapshot");
    try {
        const run = await runLifecyclePolicies(new CloudStore(lab, new Reconciler(lab)));
        if (!run) {
            throw new LabError(
                "no snapshot policy: set dailySnapshots, e.g. `npm run lab -- up --set dailySnapshots=7`",
            );
        }
        const ui = new Ui();
        for (const taken of run.taken) ui.info(` ${ui.paint("✓", "32")} taken    ${describe(taken)}`);
        for (const removed of run.removed) ui.info(` ${ui.paint("✓", "32")} removed  ${describe(removed)}`);
        if (run.taken.length === 0) ui.info("no volume carries a tag that a snapshot policy looks for");
    } finally {
        unlock();
    }
}

function describe({ id, volumeId, sizeGiB, startTime }: Snapshot): string {
    return `${id}  of ${volumeId}, ${sizeGiB} GiB, ${startTime.replace(/\.\d+Z$/, "Z")}`;
}
