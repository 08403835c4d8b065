import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
let clone: string;

beforeAll(() => {
    clone = mkdtempSync(join(tmpdir(), "clone-"));
    for (const name of ["package.json", "bundle.js", "installed.js", "run.js", "lab", "checks"])
        cpSync(join(ROOT, name), join(clone, name), { recursive: true });
});
afterAll(() => rmSync(clone, { recursive: true }));

test.each(["lab -- status", "check -- example.com"])("npm run %s before npm ci is one sentence", async (command) => {
    const args = ["run", "--silent", ...command.split(" ")];
    const run = await execa("npm", args, { cwd: clone, reject: false, stdin: "ignore" });
    expect(run).toMatchObject({
        exitCode: 1,
        stdout: "",
        stderr: "error: the packages of this project are not installed: run `npm ci`, then this again",
    });
});
