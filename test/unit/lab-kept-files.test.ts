import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "../any.ts";
import { expect, test } from "vitest";
import { readCloud } from "../../lab/cloud/store.ts";
import { publishedPackage } from "../../lab/commands/package.ts";
import { isPaused } from "../../lab/commands/paused.ts";
import { overridesFile } from "../../lab/commands/session.ts";
import { readStages } from "../../lab/commands/stages.ts";
import { readOverrides } from "../../lab/engine/config.ts";
import { type Lab, LabError, labAt } from "../../lab/lab.ts";

test.each<[string, (lab: Lab) => unknown]>([
    ["cloud.json", readCloud],
    ["stages.json", readStages],
    ["package.json", publishedPackage],
    ["set.json", (lab) => readOverrides(overridesFile(lab))],
    ["pulumi/state/.pulumi/stacks/linkmesh-proxy/lab.json", isPaused],
])("what the lab finds in place of its %s is one sentence", async (name, read) => {
    const lab = { ...labAt(7), dir: mkdtempSync(join(tmpdir(), "linkmesh-kept-")) };
    const file = join(lab.dir, name);
    mkdirSync(dirname(file), { recursive: true });
    try {
        const broken = fc.oneof(
            fc.uint8Array().filter((bytes) => !/^\s*[[{]/.test(Buffer.from(bytes).toString())),
            fc.constantFrom("", "{", "null", "7", '"x"').map((text) => Buffer.from(text)),
        );
        await fc.assert(
            fc.asyncProperty(broken, async (bytes) => {
                writeFileSync(file, bytes);
                const error = await Promise.resolve()
                    .then(() => read(lab))
                    .catch((thrown: unknown) => thrown);
                expect(error).toBeInstanceOf(LabError);
                expect((error as LabError).message).toMatch(/^\S+json is not as the lab wrote it: .*`[^\n]*$/);
            }),
            { numRuns: 20 },
        );
    } finally {
        rmSync(lab.dir, { recursive: true });
    }
});
