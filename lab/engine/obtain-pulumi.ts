import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../lab.ts";
import { withLock } from "../process/lock.ts";
import { buildPulumi } from "./build-pulumi.ts";
import { cachedPulumi, findPulumi } from "./find-pulumi.ts";
import { fetchRelease } from "./fetch-release.ts";
import { PULUMI_RELEASE, PULUMI_VERSION } from "./versions.ts";

/** A build takes about 4 minutes on two cores. */
const PATIENCE_SECONDS = 1800;

/**
 * Puts a Pulumi CLI into the cache: the released one if it can be fetched, else one built from its Go modules. A second
 * caller waits for the first.
 */
export function obtainPulumi(cacheDir: string, progress: Progress): Promise<void> {
    const engine = join(cacheDir, "engine");
    return withLock(engine, () => obtainInto(engine, cacheDir, progress), {
        patienceSeconds: PATIENCE_SECONDS,
        onWait: ({ pid }) => progress(`waiting for process ${pid}, which fetches or builds it`),
    });
}

async function obtainInto(engine: string, cacheDir: string, progress: Progress): Promise<void> {
    if (await findPulumi(cacheDir)) return;
    const draft = join(engine, "draft");
    const pulumi = join(draft, "pulumi");
    // Leftover of a killed process.
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    try {
        // The release is for amd64, like the lab's machines.
        if (process.arch === "x64" && (await fetchRelease(pulumi, progress))) {
            renameSync(pulumi, cachedPulumi(cacheDir, PULUMI_RELEASE.version));
        } else {
            await buildPulumi(pulumi, progress);
            renameSync(pulumi, cachedPulumi(cacheDir, PULUMI_VERSION));
        }
    } finally {
        rmSync(draft, { recursive: true, force: true });
    }
}
