import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { prepareMachine } from "../../lab/commands/prepare.ts";
import { LabError } from "../../lab/lab.ts";
import { Ui } from "../../lab/ui.ts";

const dir = mkdtempSync(join(tmpdir(), "linkmesh-cache-"));
afterAll(() => rmSync(dir, { recursive: true }));

test("a cache that cannot be made is refused in one sentence, before anything else", async () => {
    writeFileSync(join(dir, "file"), "");
    const cache = join(dir, "file", "cache");
    const refused = await prepareMachine(new Ui({ stream: process.stderr }), cache).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LabError);
    expect((refused as LabError).message).toMatch(
        /^the lab cannot keep its engine and images in \S+\/file\/cache \(.*\): set LINKMESH_LAB_CACHE to another directory$/,
    );
});
