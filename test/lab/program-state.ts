import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Checkpoint } from "../../lab/engine/workspace.ts";
import { expectNothingLeft, labOk, theLab } from "./lab.ts";

type Resources = NonNullable<Checkpoint["resources"]>;

/** Of another program's project, as the engine keeps them. */
export function resources(project: string): Resources {
    const file = join(theLab().dir, `pulumi/state/.pulumi/stacks/${project}/lab.json`);
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint: { latest: Checkpoint } };
    return checkpoint.latest.resources ?? [];
}

/** Destroys it, which leaves nothing. */
export async function destroyed(project: string): Promise<void> {
    await labOk("destroy", "--stack");
    expect(resources(project)).toEqual([]);
    expectNothingLeft();
}
