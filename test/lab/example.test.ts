import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checkpoint } from "../../lab/engine/workspace.ts";
import { lab, labOk, theLab, useLab } from "./lab.ts";

useLab("test-example");

interface Instance {
    type: string;
    inputs: { monitoring?: boolean; rootBlockDevice: { volumeSize: number } };
    outputs: { monitoring?: boolean; rootBlockDevice: { volumeSize: number } };
}

// Another program, which uses the components by the name of their package.
beforeAll(async () => {
    process.env.LINKMESH_LAB_PROGRAM = "examples/typescript";
    await lab("destroy", "--ignore-protect");
    await labOk("up");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
    delete process.env.LINKMESH_LAB_PROGRAM;
});

/** As the engine keeps it. */
function resources(): NonNullable<Checkpoint["resources"]> {
    const file = join(theLab().dir, "pulumi/state/.pulumi/stacks/linkmesh-example/lab.json");
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint: { latest: Checkpoint } };
    return checkpoint.latest.resources ?? [];
}

test("the surfaces answer, and a second run changes nothing", async () => {
    await labOk("check");
    expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
});

test("its transform has changed the inner instance, and nothing else of it", () => {
    const [instance] = resources().filter(({ type }) => type === "aws:ec2/instance:Instance") as unknown as Instance[];
    const device = { volumeSize: 20, volumeType: "gp3", encrypted: true };
    expect(instance!.inputs).toMatchObject({ monitoring: true, rootBlockDevice: device });
    expect(instance!.outputs).toMatchObject({ monitoring: true, rootBlockDevice: device });
});

test("destroy leaves no resource", async () => {
    await labOk("destroy", "--stack");
    expect(resources()).toEqual([]);
});
