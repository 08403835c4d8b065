import { ensurePulumi } from "../../lab/engine/cli-binary.ts";
import { ensurePrerequisites } from "../../lab/engine/prerequisites.ts";
import { ensureImage } from "../../lab/image/image.ts";
import { labCacheDir } from "../../lab/lab.ts";
import { Ui } from "../../lab/ui.ts";

/** Runs once before the lab tests: what takes minutes on a fresh machine, with its progress shown. */
export default async function setup(): Promise<void> {
    const ui = new Ui();
    await ui.stage("prerequisites", (progress) => ensurePrerequisites((line) => ui.info(line), progress));
    await ui.stage("engine", (progress) => ensurePulumi(labCacheDir(), progress));
    await ui.stage("machine image", (progress) => ensureImage(labCacheDir(), "trixie", progress));
}
