import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readFacts } from "../../doctor/facts.ts";

/** What a machine in the lab has printed. */
export const WELL = readFileSync(join(import.meta.dirname, "doctor-facts.txt"), "utf8");
export const START = Number(/== start\n(\d+\.\d+)/.exec(WELL)![1]);
export const END = Number(/== end\n(\d+\.\d+)/.exec(WELL)![1]);
export const ASKED = { began: START - 0.4, ended: END + 0.1 };
export const NOW = Math.round(END);

/** The facts with another text in a section: a function of its text, or the whole text. */
export function facts(changes: Partial<Record<string, string | ((text: string) => string)>> = {}) {
    const sections = WELL.split(/^== /m).slice(1);
    const names = sections.map((section) => section.split("\n")[0]!);
    for (const name of Object.keys(changes)) expect(names).toContain(name);
    const changed = sections.map((section) => {
        const end = section.indexOf("\n") + 1;
        const change = changes[section.slice(0, end - 1)];
        const text = section.slice(end);
        return `== ${section.slice(0, end)}${typeof change === "function" ? change(text) : (change ?? text)}`;
    });
    return readFacts(changed.join(""), "==");
}
