import { ensurePulumi } from "../engine/ensure-pulumi.ts";
import { ensurePrerequisites } from "../engine/prerequisites.ts";
import { ensureImage } from "../machines/image/image.ts";
import type { Ui } from "../ui.ts";

/** Makes what takes minutes and what all labs share: Debian packages, the engine, the machine image. */
export async function prepareMachine(ui: Ui, cacheDir: string): Promise<void> {
    await ui.stage("prerequisites", (progress) => ensurePrerequisites((line) => ui.info(line), progress));
    await ui.stage("engine", (progress) => ensurePulumi(cacheDir, progress));
    await ui.stage("machine image", (progress) => ensureImage(cacheDir, "trixie", progress));
}
