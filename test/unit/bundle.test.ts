import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundledText, cacheOf } from "../../bundle.js";

const CACHE = join(import.meta.dirname, "../../node_modules/.cache");

let directory: string;
let source: string;
beforeEach(() => {
    // A bundle's sources are in the checkout.
    mkdirSync(CACHE, { recursive: true });
    directory = mkdtempSync(join(CACHE, "test-bundle-"));
    source = join(directory, "main.ts");
    writeFileSync(source, 'export { answer } from "./answer.ts";\n');
    writeFileSync(join(directory, "answer.ts"), "export const answer: number = 41;\n");
    // Sources of this moment may change once more in it, so their bundle would not be kept.
    const before = new Date(Date.now() - 60_000);
    for (const name of readdirSync(directory)) utimesSync(join(directory, name), before, before);
});
afterEach(() => {
    for (const made of [directory, cacheOf(source)]) rmSync(made, { recursive: true, force: true });
});

const bundle = (format: "esm" | "cjs" = "esm") => bundledText(source, { format });
const bundles = () => readdirSync(cacheOf(source)).filter((name) => name.startsWith("bundle-"));

test("a file and what it imports become one text, which is made once", async () => {
    const text = await bundle();
    expect(text).toContain("answer = 41");
    expect(text).not.toMatch(/import|: number/);
    expect(await bundle()).toBe(text);
    expect(bundles()).toHaveLength(1);
});

test("it is made again when something that it imports has changed", async () => {
    await bundle();
    writeFileSync(join(directory, "answer.ts"), "export const answer: number = 1 + 41;\n");
    expect(await bundle()).toContain("answer = 1 + 41");
});

test("it is made again when it is to be another kind of module", async () => {
    expect(await bundle()).not.toContain("module.exports");
    expect(await bundle("cjs")).toContain("module.exports");
});
