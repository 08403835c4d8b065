import { visible } from "../checks/visible.ts";

/** Longer lines are cut: a certificate or a list of networks in one line is no text to review. */
const LINE_LENGTH = 300;

/** Text in a line. Inside code GitHub knows no mentions, links and HTML. */
export function code(text: string): string {
    const line = cut(visible(text.replace(/\s+/g, " ")));
    const ticks = "`".repeat(longestRun(line) + 1);
    const pad = /^`|`$|^ .* $/.test(line) || line === "" ? " " : "";
    return ticks + pad + line + pad + ticks;
}

/** Lines in a fence that none of them closes. `language`: "diff" or "text". */
export function fence(language: string, lines: readonly string[]): string {
    const safe = lines.flatMap((line) => line.split("\n")).map((line) => cut(visible(line)));
    const ticks = "`".repeat(Math.max(3, longestRun(safe.join("\n")) + 1));
    return [ticks + language, ...safe, ticks].join("\n");
}

function cut(line: string): string {
    const characters = [...line];
    if (characters.length <= LINE_LENGTH) return line;
    return `${characters.slice(0, LINE_LENGTH).join("")}… (${characters.length - LINE_LENGTH} more characters)`;
}

function longestRun(text: string): number {
    return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
