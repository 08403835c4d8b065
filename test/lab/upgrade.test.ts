import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readStates } from "./states/kept-states.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The names of the resources that docs/upgrading.md says an upgrade from the version replaces or deletes. */
function announced(version: string): string[] {
    const page = readFileSync(join(ROOT, "docs/upgrading.md"), "utf8");
    const row = page.split("\n").find((line) => line.startsWith(`| ${version} `));
    expect(row, `docs/upgrading.md has no row for ${version}`).toBeDefined();
    const [, , , replaced = ""] = row!.split("|");
    return [...replaced.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}

test("the kept states have no key in clear and no place of the machine that made them", () => {
    const text = JSON.stringify(readStates());
    expect(text).toContain('"ciphertext"');
    expect(text.match(/PRIVATE KEY|sourcePosition|stackTrace/)).toBeNull();
});

// Of the engine itself, with the stand-ins for the providers: a second or two for each stack.
test("an upgrade replaces and deletes nothing that docs/upgrading.md does not name", () => {
    const output = execFileSync(process.execPath, ["--import", "tsx", "test/lab/states/preview.ts"], {
        cwd: ROOT,
        encoding: "utf8",
        maxBuffer: 2 ** 26,
    });
    const previews = JSON.parse(output) as [version: string, mode: string, steps: string[]][];
    expect(previews.map(([version, mode]) => `${version} ${mode}`)).toContain("0.1.0 defaults");
    const losses = previews.flatMap(([version, mode, steps]) => {
        const named = announced(version);
        return steps
            .filter((step) => /^(\S*replace\S*|delete\S*) /.test(step))
            .filter((step) => !named.includes(step.split(" ")[1]!))
            .map((step) => `${version}, ${mode}: ${step}`);
    });
    expect(losses).toEqual([]);
});
