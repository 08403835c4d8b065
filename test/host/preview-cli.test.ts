import { execa } from "execa";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const RECORDED = "test/unit/previews/replacement.json";

const run = (args: string[], input = "") =>
    execa("npm", ["run", "--silent", "preview:markdown", "--", ...args], { cwd: ROOT, input, reject: false });

test("a preview in a file becomes a comment", async () => {
    const { exitCode, stdout, stderr } = await run([RECORDED, "--stack", "acme/linkmesh/staging"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(
        /^<!-- linkmesh-proxy preview of acme\/linkmesh\/staging -->\n### Preview of `acme\/linkmesh\/staging`: 15 replaced\n/,
    );
});

test("what is no preview is told in one sentence, and in a comment that takes the place of the one before", async () => {
    const { exitCode, stdout, stderr } = await run(["--stack", "staging"], "\n");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: the preview is empty: .*\.$/);
    expect(stdout).toMatch(
        /^<!-- linkmesh-proxy preview of staging -->\n### Preview of `staging`: the preview failed\n/,
    );
});

test.each<[string, string[], RegExp]>([
    ["a file that is not there", ["nothing.json"], /^error: nothing\.json cannot be read \(ENOENT\)\.$/],
    ["a directory", ["docs"], /^error: docs cannot be read \(EISDIR\)\.$/],
    [
        "a name that would end the marker",
        [RECORDED, "--stack", "a-->b"],
        /^error: option '--stack <name>' argument 'a-->b' is invalid\. It must be a stack's name/,
    ],
])("%s is wrong usage, and makes no comment", async (_, args, expected) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(expected);
});
