import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT } from "../lab/slots.ts";
import { PARTS } from "./parts.ts";
import { renderPlot } from "./plot.ts";
import { type Result, readResult, resultText } from "./result.ts";
import { renderResult } from "./tables.ts";

export const FOLDER = "docs/benchmarks";
export const PAGE = "docs/benchmarks.md";
const README = "README.md";
const MAIN_PLOT = `${FOLDER}/main.svg`;

/** The results that the documents show, by part. */
export function keptResults(folder = join(CHECKOUT, FOLDER)): Map<string, Result> {
    const kept = PARTS.map(({ name }) => name)
        .filter((name) => existsSync(join(folder, `${name}.json`)))
        .map((name) => [name, readResult(join(folder, `${name}.json`))] as const);
    return new Map(kept);
}

/** The page with the table of each part between its markers, `<!-- bench NAME -->` and `<!-- /bench NAME -->`. Pure. */
export function renderPage(text: string, results: ReadonlyMap<string, Result>): string {
    return PARTS.reduce((page, { name }) => between(page, `bench ${name}`, block(name, results.get(name))), text);
}

function block(name: string, result: Result | undefined): string {
    if (!result) return `\nNot measured yet: \`npm run bench -- --only ${name}\`.\n\n`;
    const plot = renderPlot(result) === undefined ? "" : `![${result.what}](benchmarks/${name}.svg)\n\n`;
    return `\n${plot}${renderResult(result)}\n\n`;
}

/** The plots of the results, by file. Pure. */
export function renderPlots(results: ReadonlyMap<string, Result>): { file: string; text: string }[] {
    const plots = [...results].map(([name, result]) => ({ file: `${FOLDER}/${name}.svg`, text: renderPlot(result) }));
    const main = { file: MAIN_PLOT, text: mainPlot(results) };
    return [...plots, main].flatMap(({ file, text }) => (text === undefined ? [] : [{ file, text }]));
}

/** What the README shows: how many sessions, and what one costs. */
function mainPlot(results: ReadonlyMap<string, Result>): string | undefined {
    const measures = results.get("sessions")?.measures ?? [];
    // The sizes that all subjects have come first.
    const names = ["sessions held", "memory per session", "CPU of the proxy"].map(
        (begin) => measures.find(({ name }) => name.startsWith(begin))?.name,
    );
    return renderPlot({ part: "main", measures: measures.filter(({ name }) => names.includes(name)) });
}

/** The README with the main plot between its markers, if there is one. Pure. */
export function renderReadme(text: string, results: ReadonlyMap<string, Result>): string {
    const result = results.get("sessions");
    const plot =
        result && mainPlot(results) !== undefined
            ? `![OpAMP sessions held, memory and processor time: this program beside the guide, HAProxy and Caddy](${MAIN_PLOT})\n\n` +
              `Measured by \`${result.command}\`; [docs/benchmarks.md](${PAGE}) has the machine, the spread and the other figures.\n`
            : `[docs/benchmarks.md](${PAGE}) says how the program is measured beside the guide, HAProxy and Caddy.\n`;
    return between(text, "plot", plot);
}

function between(text: string, marker: string, content: string): string {
    const [open, close] = [`<!-- ${marker} -->\n`, `<!-- /${marker} -->`];
    const [start, end] = [text.indexOf(open), text.indexOf(close)];
    if (start < 0 || end < start) throw new Error(`there are no markers ${open.trim()} and ${close}`);
    return text.slice(0, start + open.length) + content + text.slice(end);
}

/** Writes a result and its plot into a folder. */
export function writeResult(result: Result, folder: string): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${result.part}.json`), resultText(result));
    const plot = renderPlot(result);
    if (plot !== undefined) writeFileSync(join(folder, `${result.part}.svg`), plot);
}

/** Brings page, README and plots up to date with the results in the folder. */
export function writeDocuments(): void {
    const results = keptResults();
    const files = [
        { file: PAGE, text: renderPage(readFileSync(join(CHECKOUT, PAGE), "utf8"), results) },
        { file: README, text: renderReadme(readFileSync(join(CHECKOUT, README), "utf8"), results) },
        ...renderPlots(results),
    ];
    for (const { file, text } of files) writeFileSync(join(CHECKOUT, file), text);
}
