import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Stage } from "./dry-tier.ts";

const ROOT = join(import.meta.dirname, "../..");

// Of the engine itself, without machines.
let stages: Stage[];
let refused: string;
let stopped: string[];

beforeAll(() => {
    const output = execFileSync(process.execPath, ["--import", "tsx", "test/lab/dry-tier.ts"], {
        cwd: ROOT,
        encoding: "utf8",
    });
    ({ stages, refused, stopped } = JSON.parse(output) as { stages: Stage[]; refused: string; stopped: string[] });
});

test("the data volume outlives several nodes, and one machine has it again", () => {
    const [one, three, two, , again] = stages as [Stage, Stage, Stage, Stage, Stage];
    const [[volume, machine]] = Object.entries(one.volumes) as [[string, string]];
    expect(one.instances).toEqual([machine]);
    expect(three.volumes).toEqual({ [volume]: null });
    expect(three.instances).toHaveLength(3);
    expect(two.volumes).toEqual({ [volume]: null });
    expect(three.instances).toEqual(expect.arrayContaining(two.instances));
    expect(two.instances).toHaveLength(2);
    expect(again.volumes).toEqual({ [volume]: again.instances[0] });
    expect(stages.map(({ next }) => next)).toEqual([[], [], [], [], []]);
    expect(refused).toContain(`the tag of this stack's data volume is on ${volume}, but the stack has no data volume.`);
});

test("nodes that somebody has stopped are not replaced, and those that replace them later are public again", () => {
    expect(stopped.filter((step) => step.includes("replace"))).toEqual([]);
    const [, , two, larger] = stages as [Stage, Stage, Stage, Stage];
    expect(larger.instances).toHaveLength(2);
    for (const id of larger.instances) expect(two.instances).not.toContain(id);
    expect(larger.addresses).not.toContain("");
});
