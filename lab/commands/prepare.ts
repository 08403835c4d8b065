import { accessSync, constants, mkdirSync } from "node:fs";
import { ensurePulumi } from "../engine/ensure-pulumi.ts";
import { ensurePrerequisites } from "../engine/prerequisites.ts";
import { LabError } from "../lab.ts";
import { ensureImage } from "../machines/image/image.ts";
import type { Ui } from "../ui.ts";

/** Makes what takes minutes and what all labs share: Debian packages, the engine, the machine image. */
export async function prepareMachine(ui: Ui, cacheDir: string): Promise<void> {
    requireCache(cacheDir);
    await ui.stage("prerequisites", (progress) => ensurePrerequisites((line) => ui.info(line), progress));
    // At once, because neither needs the other. If one fails, the other is finished first, so that it is there next time.
    const made = await Promise.allSettled([
        ui.stage("engine", (progress) => ensurePulumi(cacheDir, progress)),
        ui.stage("machine image", (progress) => ensureImage(cacheDir, "trixie", progress)),
    ]);
    for (const result of made) if (result.status === "rejected") throw result.reason;
}

function requireCache(cacheDir: string): void {
    try {
        mkdirSync(cacheDir, { recursive: true });
        accessSync(cacheDir, constants.W_OK);
    } catch (error) {
        throw new LabError(
            `the lab cannot keep its engine and images in ${cacheDir} (${(error as Error).message}): ` +
                "set LINKMESH_LAB_CACHE to another directory",
        );
    }
}
