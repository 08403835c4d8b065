import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

let checkout: string;
// Later than the directories that the test makes.
let clock = Date.now() / 1000 + 100;

/** Writes a file that is newer than all before. */
function touch(file: string, text = ""): void {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    writeFileSync(join(checkout, file), text);
    utimesSync(join(checkout, file), clock, clock);
    clock += 10;
}

beforeAll(() => {
    checkout = mkdtempSync(join(tmpdir(), "linkmesh-prepare-"));
    cpSync(join(ROOT, "plugin"), join(checkout, "plugin"), { recursive: true });
    for (const file of [
        "package-lock.json",
        "tsconfig.build.json",
        "components/index.ts",
        "components/host/scripts/a.sh",
    ])
        touch(file);
    // Stand-ins for the build and for npm, which record that they ran.
    touch("build.js", 'require("fs").appendFileSync("ran", "build\\n");');
    touch("bin/npm", '#!/bin/sh\necho "npm $*" >>ran\n');
    execFileSync("chmod", ["+x", join(checkout, "bin/npm")]);
});

afterAll(() => rmSync(checkout, { recursive: true }));

/** What the package's `prepare` script does, as npm runs it. */
function prepare(): string[] {
    rmSync(join(checkout, "ran"), { force: true });
    const { scripts } = JSON.parse(readFileSync(join(checkout, "plugin/package.json"), "utf8")) as {
        scripts: { prepare: string };
    };
    const env = { ...process.env, PATH: [join(checkout, "bin"), process.env.PATH].join(delimiter) };
    execFileSync("sh", ["-ec", scripts.prepare], { cwd: join(checkout, "plugin"), env });
    const ran = join(checkout, "ran");
    return existsSync(ran) ? readFileSync(ran, "utf8").trim().split("\n") : [];
}

test("the component package is installed and built once, and again if its sources are newer", () => {
    expect(prepare()).toEqual(["npm ci", "build"]);
    touch("node_modules/.package-lock.json");
    expect(prepare()).toEqual(["build"]);
    touch("dist/index.js");
    expect(prepare()).toEqual([]);
    touch("components/host/scripts/a.sh");
    expect(prepare()).toEqual(["build"]);
    touch("dist/index.js");
    touch("package-lock.json");
    expect(prepare()).toEqual(["npm ci", "build"]);
});
