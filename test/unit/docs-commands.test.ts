import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SETTINGS } from "../../components/settings/settings.ts";

const ROOT = join(import.meta.dirname, "../..");

/** What users read, and copy commands from; texts of errors, too. */
const files = [".", "docs", "examples", "components", "checks", "lab"]
    .flatMap((dir) =>
        readdirSync(join(ROOT, dir), { recursive: dir !== ".", encoding: "utf8" }).map((f) => join(dir, f)),
    )
    .filter((name) => /\.(md|ts|sh|yaml)$/.test(name));
const commands = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/\bpulumi (?!-)[^`"\n]*/g)].map(([text]) => `${file}: ${text}`),
);

test("no command of the documents leaves a setting in the stack's configuration by --config, which keeps wrong ones too", () => {
    expect(commands.length).toBeGreaterThan(80);
    expect(commands.filter((command) => / --config[ =]/.test(command))).toEqual([]);
});

test("`pulumi config` is shown with names of settings", () => {
    const names = commands.flatMap((command) => {
        const [, name] = /pulumi config (?:set|rm) (?:--\w+ )*([\w.:]+)/.exec(command) ?? [];
        return name === undefined || /^(NAME|aws:region)$/.test(name) ? [] : [name.split(".")[0]!];
    });
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name))).toEqual([]);
});
