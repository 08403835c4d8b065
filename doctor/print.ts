import { findingLines, render, type Format } from "../checks/report.ts";
import type { Report } from "../checks/types.ts";
import type { Finding } from "../checks/types.ts";

/** Prints all reports. @param quiet as text, only what is not well */
export function printReports(format: Format, tool: string, reports: readonly Report[], quiet = false): void {
    if (format !== "text") console.log(render(format, tool, reports));
    else console.log(reports.map((report) => asText(report, quiet)).join("\n\n"));
}

function asText({ host, results }: Report, quiet: boolean): string {
    const shown = results.filter(({ status }) => !quiet || status !== "ok");
    if (shown.length === 0) return `${host}: no drift`;
    return [host, ...withoutRepeatedHints(shown).map(findingLines)].join("\n");
}

/** Several findings in a row may have one next step, which stands below the last of them. */
export function withoutRepeatedHints(findings: readonly Finding[]): Finding[] {
    return findings.map((finding, index) =>
        finding.hint === findings[index + 1]?.hint ? { ...finding, hint: undefined } : finding,
    );
}
