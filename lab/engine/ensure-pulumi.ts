import type { Progress } from "../lab.ts";
import { type PulumiCli, findPulumi } from "./find-pulumi.ts";

/** Like {@link findPulumi}, but puts a CLI into the cache if there is none. */
export async function ensurePulumi(cacheDir: string, progress: Progress): Promise<PulumiCli> {
    const found = await findPulumi(cacheDir);
    if (found) return found;
    // Loaded here, because it is needed only once on a machine.
    const { obtainPulumi } = await import("./obtain-pulumi.ts");
    await obtainPulumi(cacheDir, progress);
    return (await findPulumi(cacheDir))!;
}
