import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { standInPackages } from "../lab/commands/plugins.ts";
import { Reconciler } from "../lab/cloud/reconciler.ts";
import type { PulumiCli } from "../lab/engine/find-pulumi.ts";
import type { EngineResult } from "../lab/engine/run.ts";
import { LabStack, type OperationOptions } from "../lab/engine/stack.ts";
import { LabError, type Progress } from "../lab/lab.ts";
import { startProviders } from "../lab/providers/index.ts";
import { benchLab, lab, stopIfInterrupted } from "./lab.ts";
import { timed } from "./spread.ts";

/** Seconds of each run. */
export interface EngineTimes {
    emptyPreview: number[];
    preview: number[];
    up: number[];
    previewProcess: number[];
    upProcess: number[];
}

/**
 * Times previews of an empty program, and `preview` and `up` of the lab's unchanged stack. They take turns, so that other
 * load affects all of them alike. The first turn loads modules and does not count.
 */
export async function measureEngine(
    cli: PulumiCli,
    runs: number,
    withUp: boolean,
    progress: Progress,
): Promise<EngineTimes> {
    const times: EngineTimes = { emptyPreview: [], preview: [], up: [], previewProcess: [], upProcess: [] };
    const own = benchLab();
    const dir = mkdtempSync(join(tmpdir(), "linkmesh-bench-"));
    const providers = await startProviders({ lab: own, reconciler: new Reconciler(own), packages: standInPackages() });
    try {
        const options = { command: cli.command, debugProviders: providers.debugProviders };
        const stack = new LabStack(own, options);
        await stack.init();
        writeFileSync(join(dir, "index.ts"), "export {};\n");
        writeFileSync(join(dir, "Pulumi.yaml"), "name: empty\nruntime: nodejs\n");
        const empty = new LabStack({ ...own, dir }, { ...options, programDir: dir });
        await empty.init();
        empty.configure({});
        for (let run = 0; run <= runs; run++) {
            stopIfInterrupted();
            progress(run === 0 ? "warming up" : `run ${run} of ${runs}`);
            const emptyPreview = await timed(() => empty.preview());
            const preview = await timed(() => unchanged((o) => stack.preview(o)));
            const up = withUp ? await timed(() => unchanged((o) => stack.up(o))) : undefined;
            if (run === 0) continue;
            times.emptyPreview.push(emptyPreview);
            times.preview.push(preview);
            if (up !== undefined) times.up.push(up);
        }
    } finally {
        await providers.stop();
        rmSync(dir, { recursive: true, force: true });
    }
    for (let run = 1; run <= runs; run++) {
        progress(`whole process, run ${run} of ${runs}`);
        times.previewProcess.push(await timed(() => lab(["preview"])));
        if (withUp) times.upProcess.push(await timed(() => lab(["up"])));
    }
    return times;
}

/** @throws LabError if the operation changes something */
async function unchanged(operation: (options: OperationOptions) => Promise<EngineResult>): Promise<void> {
    let changes: Record<string, number> = {};
    const onEvent = (event: EngineEvent) => {
        changes = (event.summaryEvent?.resourceChanges as Record<string, number> | undefined) ?? changes;
    };
    await operation({ onEvent });
    const others = Object.entries(changes).filter(([op]) => op !== "same");
    if (others.length === 0) return;
    const found = others.map(([op, count]) => `${count} to ${op}`).join(", ");
    throw new LabError(
        `the program changed while the benchmark ran (${found}): do not change the checkout meanwhile, and run it again`,
    );
}
