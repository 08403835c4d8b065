/** Longer lines are cut: a certificate or a list of networks in one line is no text to review. */
const LINE_LENGTH = 300;

// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Makes characters visible that are not, among them those that reorder a line on the screen. */
function visible(text: string): string {
    return text.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

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
