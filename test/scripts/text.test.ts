import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FUNCTION_FILES, readScript, withFunctions } from "../../components/host/render/script.ts";
import { FILES, SCRIPTS, SHELL_FILES, STEP_SCRIPTS } from "./files.ts";
import { shfmt } from "./shell.ts";

const library = FUNCTION_FILES.map((name) => readScript(`functions/${name}`)).join("\n");

/** The commands of a text as the shell reads them, in one spelling. */
const commands = (text: string) => shfmt(shfmt(text, "--minify"));
const comments = (text: string) => shfmt(text, "--to-json").match(/"Hash"/g)?.length ?? 0;

/** Top-level functions by name, in one spelling. */
function functions(text: string): Map<string, string> {
    const found = commands(text).matchAll(/^(\w+)\(\) \{\n[^]*?^\}$/gm);
    return new Map([...found].map(([body, name]) => [name!, body]));
}

const LIMIT = 120;

test.each(FILES)(`no line of %s is longer than ${LIMIT} characters`, (name) => {
    const lines = readFileSync(join(SCRIPTS, name), "utf8").split("\n");
    expect(lines.filter((line) => [...line].length > LIMIT)).toEqual([]);
});

test.each(SHELL_FILES)("%s is formatted", (name) => {
    const text = readFileSync(join(SCRIPTS, name), "utf8");
    expect(shfmt(text, "--indent", "4")).toBe(text);
});

test.each(STEP_SCRIPTS)("the text of %s is its script without comments", (step) => {
    const text = withFunctions(readScript(step));
    expect(commands(text).endsWith(commands(readScript(step)).replace(/^#!.*\n/, ""))).toBe(true);
    expect(comments(readScript(step)), "a script begins with a comment that says what it does").toBeGreaterThan(0);
    expect(comments(text)).toBe(0);
});

test.each(STEP_SCRIPTS)("%s has the functions that it uses, as they are, and no other", (step) => {
    const all = functions(library);
    const own = functions(readScript(step));
    const text = functions(withFunctions(readScript(step)));
    const added = [...text].filter(([name]) => !own.has(name));
    expect(added).toEqual([...all].filter(([name]) => text.has(name)));
    for (const [name] of added.filter(([name]) => name !== "start")) {
        const rest = [...text].filter(([other]) => other !== name).map(([, body]) => body);
        expect(rest.join("\n")).toMatch(new RegExp(`\\b${name}\\b`));
    }
});

describe("the library", () => {
    test("has all files in functions/", () => {
        const files = SHELL_FILES.filter((name) => name.startsWith("functions/"));
        expect(files.sort()).toEqual(FUNCTION_FILES.map((name) => `functions/${name}.sh`).sort());
    });

    test("has no function that no step uses", () => {
        const used = new Set(STEP_SCRIPTS.flatMap((step) => [...functions(withFunctions(readScript(step))).keys()]));
        expect([...functions(library).keys()].filter((name) => !used.has(name))).toEqual([]);
    });

    test("adds to a step only the functions that it needs", () => {
        expect([...functions(withFunctions(readScript("ready"))).keys()]).not.toContain("restart_linkmesh");
        expect(withFunctions(readScript("ready"))).not.toContain("PACKAGES=");
    });
});
