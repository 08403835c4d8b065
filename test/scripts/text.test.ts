import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readScript, withFunctions } from "../../components/host/render/script.ts";

const SCRIPTS = join(import.meta.dirname, "../../components/host/scripts");
const steps = readdirSync(SCRIPTS).flatMap((file) => /^(.*)\.sh$/.exec(file)?.[1] ?? []);
const library = ["base", "packages", "linkmesh", "nginx"].map((name) => readScript(`functions/${name}`)).join("\n");

const shfmt = (text: string, ...flags: string[]) =>
    execFileSync("shfmt", flags, { input: text, encoding: "utf8", maxBuffer: 1e9 });
/** How the shell reads a text: commands alone, in one spelling. */
const commands = (text: string) => shfmt(shfmt(text, "--minify"));
const comments = (text: string) => shfmt(text, "--to-json").match(/"Hash"/g)?.length ?? 0;

/** Top-level functions by name, in one spelling. */
function functions(text: string): Map<string, string> {
    const found = commands(text).matchAll(/^(\w+)\(\) \{\n[^]*?^\}$/gm);
    return new Map([...found].map(([body, name]) => [name!, body]));
}

test.each(steps)("the text of %s is its script without comments", (step) => {
    const text = withFunctions(readScript(step));
    expect(commands(text).endsWith(commands(readScript(step)).replace(/^#!.*\n/, ""))).toBe(true);
    expect(comments(readScript(step))).toBeGreaterThan(0);
    expect(comments(text)).toBe(0);
});

test.each(steps)("%s has the functions that it uses, as they are, and no other", (step) => {
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

test("each function of the library is used by a step", () => {
    const used = new Set(steps.flatMap((step) => [...functions(withFunctions(readScript(step))).keys()]));
    expect([...functions(library).keys()].filter((name) => !used.has(name))).toEqual([]);
});

test("a step that needs little has little", () => {
    expect([...functions(withFunctions(readScript("ready"))).keys()]).not.toContain("restart_linkmesh");
    expect(withFunctions(readScript("ready"))).not.toContain("PACKAGES=");
});
