import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ensureRoot } from "../../lab/machines/image/image.ts";

let cache: string;
let umask: number;
beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "linkmesh-image-"));
    umask = process.umask(0o077);
});
afterEach(() => {
    process.umask(umask);
    rmSync(cache, { recursive: true });
});

let builds = 0;
function build(): Promise<string> {
    const fill = async (root: string) => {
        builds++;
        await mkdir(join(root, "etc"));
        await writeFile(join(root, "etc/passwd"), "");
    };
    return ensureRoot(cache, "x", "an image", () => undefined, fill);
}

it("the users of an image built under a strict umask can read it", async () => {
    const root = await build();
    const modes = ["", "etc", "etc/passwd"].map((path) => (statSync(join(root, path)).mode & 0o777).toString(8));
    expect(modes).toEqual(["755", "755", "644"]);
});

it("only an image that its users cannot read is built again", async () => {
    const root = await build();
    const before = builds;
    await build();
    expect(builds).toBe(before);
    chmodSync(root, 0o700);
    await build();
    expect(builds).toBe(before + 1);
    expect(statSync(root).mode & 0o777).toBe(0o755);
});
