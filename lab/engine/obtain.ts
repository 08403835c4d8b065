import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LabError, type Progress } from "../lab.ts";
import { lockHolder, takeLock } from "../lock.ts";
import { buildPulumi } from "./build.ts";
import { cachedPulumi, findPulumi } from "./cli-binary.ts";
import { fetchRelease } from "./release.ts";
import { PULUMI_RELEASE, PULUMI_VERSION } from "./version.ts";

/**
 * Puts a Pulumi CLI into the cache: the released one where it can be fetched, else one that is built from its Go
 * modules (some 4 minutes on two cores). A second caller waits for the first.
 */
export async function obtainPulumi(cacheDir: string, progress: Progress): Promise<void> {
    const lock = join(cacheDir, "engine", "lock");
    while (lockHolder(lock)) {
        progress(`waiting for process ${lockHolder(lock)?.pid}, which fetches or builds it`);
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const release = takeLock(
        lock,
        "get the Pulumi CLI",
        ({ pid }) => new LabError(`process ${pid} gets the Pulumi CLI at this moment: try again when it has finished`),
    );
    const draft = join(cacheDir, "engine", "draft");
    const pulumi = join(draft, "pulumi");
    try {
        if (await findPulumi(cacheDir)) return;
        // Of one that was killed.
        rmSync(draft, { recursive: true, force: true });
        mkdirSync(draft);
        // The release is that for amd64, as the lab's machines are.
        if (process.arch === "x64" && (await fetchRelease(pulumi, progress))) {
            renameSync(pulumi, cachedPulumi(cacheDir, PULUMI_RELEASE.version));
        } else {
            await buildPulumi(pulumi, progress);
            renameSync(pulumi, cachedPulumi(cacheDir, PULUMI_VERSION));
        }
    } finally {
        rmSync(draft, { recursive: true, force: true });
        release();
    }
}
