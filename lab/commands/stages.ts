import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readKept } from "../kept-file.ts";
import type { Lab } from "../lab.ts";
import type { StageTime } from "../ui.ts";

/** Saves the durations of the last `up`'s stages, for `status`. */
export function writeStages(lab: Lab, stages: StageTime[]): void {
    if (existsSync(lab.dir)) writeFileSync(file(lab), JSON.stringify(stages, null, 2));
}

export function readStages(lab: Lab): StageTime[] {
    return readKept<StageTime[]>(file(lab)) ?? [];
}

function file(lab: Lab): string {
    return join(lab.dir, "stages.json");
}
