import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyCheckout } from "../checkout.ts";

const ROOT = join(import.meta.dirname, "../..");
const VERSION = "99.1.0";

/** A repository of its own with the files of this checkout. */
let clone: string;
const run = (command: string, ...args: string[]) => {
    const author = {
        GIT_AUTHOR_NAME: "m",
        GIT_AUTHOR_EMAIL: "m@example.com",
        GIT_COMMITTER_NAME: "m",
        GIT_COMMITTER_EMAIL: "m@example.com",
    };
    const options = {
        cwd: clone,
        encoding: "utf8" as const,
        stdio: "pipe" as const,
        env: { ...process.env, ...author },
    };
    return execFileSync(command, args, options).trim();
};
const json = (file: string) => JSON.parse(readFileSync(join(clone, file), "utf8")) as { version: string };

beforeAll(() => {
    clone = mkdtempSync(join(tmpdir(), "linkmesh-release-"));
    copyCheckout(clone);
    run("git", "init", "--quiet", "--initial-branch", "main");
    run("git", "add", "--all");
    run("git", "commit", "--quiet", "--message", "before");
    symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
    run("npm", "run", "release", "--", VERSION);
});

afterAll(() => rmSync(clone, { recursive: true, force: true }));

test("a release is one commit with a tag, and leaves the checkout clean", () => {
    expect(run("git", "log", "--format=%s", "--max-count=2")).toBe(`Version ${VERSION}\nbefore`);
    expect(run("git", "tag", "--points-at", "HEAD")).toBe(`v${VERSION}`);
    expect(run("git", "status", "--porcelain")).toBe("");
});

test("the version is the same wherever it stands", () => {
    const files = [
        "package.json",
        "package-lock.json",
        "plugin/package.json",
        "policy/package.json",
        "test/unit/golden/component-schema.json",
    ];
    expect(Object.fromEntries(files.map((file) => [file, json(file).version]))).toEqual(
        Object.fromEntries(files.map((file) => [file, VERSION])),
    );
});

test("its notes are what was unreleased, and another tag has none", () => {
    const before = run("git", "show", "HEAD~1:CHANGELOG.md").split("## Unreleased\n")[1]!.split(/^## /m)[0]!.trim();
    expect(run("npm", "run", "--silent", "release-notes", "--", `v${VERSION}`)).toBe(before);
    expect(() => run("npm", "run", "--silent", "release-notes", "--", "v1.0.0")).toThrow(
        /the tag v1\.0\.0 is not v99\.1\.0/,
    );
});

test("what npm packs of the tag, as for an installation from git, has the types and the program", () => {
    run("git", "checkout", "--quiet", `v${VERSION}`);
    run("npm", "pack", "--ignore-scripts=false");
    const names = run("tar", "-tzf", `linkmesh-proxy-${VERSION}.tgz`).split("\n");
    expect(names).toEqual(
        expect.arrayContaining([
            "package/dist/index.js",
            "package/dist/index.d.ts",
            "package/dist/host/scripts/proxy.sh",
        ]),
    );
});

test("a second release without anything new is refused", () => {
    run("git", "checkout", "--quiet", "main");
    expect(() => run("npm", "run", "release", "--", "99.2.0")).toThrow(/CHANGELOG\.md has nothing under Unreleased/);
    expect(run("git", "tag")).toBe(`v${VERSION}`);
});
