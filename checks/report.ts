import { markdown } from "./markdown.ts";
import { isOk, type Finding, type Report, type Status } from "./types.ts";
import { visible } from "./visible.ts";

export const FORMATS = ["text", "json", "markdown"] as const;
export type Format = (typeof FORMATS)[number];

const MARKS: Record<Status, string> = { ok: "✓", warn: "!", fail: "✗" };

/** As a terminal shows it: what was found, and below it what to do. */
export function findingLines({ status, name, family, detail, hint }: Finding): string {
    const line = `${MARKS[status]} ${name.padEnd(12)}${(family ?? "").padEnd(6)}${detail}`;
    // A host or a machine may have sent a part of it.
    return visible(hint === undefined ? line : `${line}\n${" ".repeat(20)}${hint}`);
}

/** All reports as one document. @param tool the name of the tool, as "check" */
export function render(format: Exclude<Format, "text">, tool: string, reports: readonly Report[]): string {
    if (format === "markdown") return markdown(tool, reports);
    const hosts = reports.map(({ host, results }) => ({ host, ok: isOk({ results }), results }));
    return JSON.stringify({ ok: reports.every(isOk), hosts }, undefined, 2);
}
