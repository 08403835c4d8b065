import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { LabError } from "../lab/lab.ts";
import type { ColdTimes } from "./cold.ts";
import type { EngineTimes } from "./engine.ts";
import { spreadOf } from "./spread.ts";

const MARKERS = ["<!-- bench -->", "<!-- /bench -->"] as const;

const GOALS = { preview: 1.5, up: 1.5, downtimeSeconds: 60, coldSeconds: 90 };

export interface Results {
    engine?: EngineTimes;
    /** Seconds of each run. */
    downtime?: number[];
    cold?: ColdTimes;
}

export function render(results: Results, machine: readonly string[], command: string): string {
    const parts = [
        `\`${command}\`, ${new Date().toISOString().slice(0, 10)}`,
        machine.map((line) => `- ${line}`).join("\n"),
        table(["goal", "measured", "at most", ""], goalRows(results)),
        table(["seconds", "runs", "min", "median", "max"], timeRows(results)),
    ];
    if (results.cold) {
        const rows = results.cold.stages.map(({ name, seconds }) => [name, seconds.toFixed(1)]);
        parts.push("Stages of the median cold `up` (`program` spans all from `keys` on; some run side by side):");
        parts.push(table(["stage", "seconds"], rows));
    }
    return parts.join("\n\n");
}

function goalRows({ engine, downtime, cold }: Results): string[][] {
    const rows: string[][] = [];
    const add = (name: string, value: number, limit: number, unit: string) =>
        rows.push([name, `${value.toFixed(2)}${unit}`, `${limit}${unit}`, value <= limit ? "met" : "**missed**"]);
    const median = (seconds: readonly number[]) => spreadOf(seconds).median;
    if (engine) {
        add(
            "preview without change : empty program",
            median(engine.preview) / median(engine.emptyPreview),
            GOALS.preview,
            "",
        );
        if (engine.up.length > 0)
            add("`up` without change : preview", median(engine.up) / median(engine.preview), GOALS.up, "");
    }
    if (downtime) add("https down while the machine is replaced", median(downtime), GOALS.downtimeSeconds, " s");
    if (cold) add("`npm run lab -- up` from cached images", median(cold.seconds), GOALS.coldSeconds, " s");
    return rows;
}

function timeRows({ engine, downtime, cold }: Results): string[][] {
    const measured: [string, readonly number[] | undefined][] = [
        ["preview of an empty program", engine?.emptyPreview],
        ["preview of the lab's stack", engine?.preview],
        ["`up` of the lab's stack, no change", engine?.up],
        ["whole process `lab preview`", engine?.previewProcess],
        ["whole process `lab up`, no change", engine?.upProcess],
        ["https down while the machine is replaced", downtime],
        ["whole process `lab up`, from cached images", cold?.seconds],
    ];
    return measured
        .filter((row): row is [string, readonly number[]] => row[1] !== undefined && row[1].length > 0)
        .map(([name, seconds]) => {
            const { runs, min, median, max } = spreadOf(seconds);
            return [name, String(runs), ...[min, median, max].map((value) => value.toFixed(2))];
        });
}

function table(head: string[], rows: string[][]): string {
    const widths = head.map((title, column) =>
        Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
    );
    const line = (cells: string[]) =>
        `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
    return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** @throws LabError if the report cannot be written there. To be called before anything is measured. */
export function checkReportFile(file: string): void {
    const text = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if (text === undefined)
        throw new LabError(`--write ${file} does not exist: name a file that holds ${MARKERS.join(" and ")}`);
    const [begin, end] = MARKERS.map((marker) => text.indexOf(marker)) as [number, number];
    if (begin < 0 || end < begin)
        throw new LabError(`--write ${file} lacks the lines ${MARKERS.join(" and ")}: put them where the report goes`);
}

/** Replaces the part between the two markers. */
export function writeReport(file: string, report: string): void {
    const text = readFileSync(file, "utf8");
    const begin = text.indexOf(MARKERS[0]) + MARKERS[0].length;
    writeFileSync(file, `${text.slice(0, begin)}\n\n${report}\n\n${text.slice(text.indexOf(MARKERS[1]))}`);
}
