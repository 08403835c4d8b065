import { THIS_PROGRAM, type Measure } from "./measure.ts";
import { ratiosOf } from "./compare.ts";
import type { Result } from "./result.ts";
import { spreadOf } from "./spread.ts";

/** Above this load average other work falsifies the figures. */
const QUIET_LOAD = 1;

/** What a result says, as Markdown. Pure. */
export function renderResult(result: Result): string {
    const { command, date, load, machine, measures, notes } = result;
    const parts = [
        `\`${command}\`, ${date.slice(0, 10)}; load average before the start: ${load.toFixed(1)}` +
            (load > QUIET_LOAD ? " (**taken under load**)" : ""),
        table(["", "", "runs", "min", "median", "max", "unit", "this program : it", "goal"], rows(measures)),
        ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
        machine.join("; "),
    ];
    return parts.join("\n\n");
}

function rows(measures: readonly Measure[]): string[][] {
    const ratios = new Map(ratiosOf(measures).map(({ name, values }) => [name, spreadOf(values).median]));
    let last = "";
    return measures.map((measure) => {
        const { name, subject, unit, values } = measure;
        const { runs, min, median, max } = spreadOf(values);
        const ratio = ratios.get(`${name}: ${THIS_PROGRAM} : ${subject}`);
        const title = name === last ? "" : name;
        last = name;
        return [
            title,
            subject,
            String(runs),
            ...[min, median, max].map(number),
            unit,
            ratio === undefined ? "" : number(ratio),
            verdict(measure, median),
        ];
    });
}

function verdict({ goal, better }: Measure, median: number): string {
    if (goal === undefined) return "";
    const met = better === "less" ? median <= goal : median >= goal;
    return `${better === "less" ? "at most" : "at least"} ${number(goal)}: ${met ? "met" : "**missed**"}`;
}

/** Three digits that count, because more would be noise. */
export function number(value: number): string {
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const digits = Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function table(head: string[], rows: string[][]): string {
    const widths = head.map((title, column) =>
        Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
    );
    const line = (cells: string[]) =>
        `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
    return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
