import { isOk, type Finding, type Report, type Status } from "./types.ts";
import { visible } from "./visible.ts";

const MARKS: Record<Status, string> = { ok: "✅", warn: "⚠️", fail: "❌" };

/** Reports as a comment of a pull request: what is wrong in a table, what is well folded away below it. */
export function markdown(tool: string, reports: readonly Report[]): string {
    return reports.map((report) => section(tool, report)).join("\n\n");
}

function section(tool: string, { host, results }: Report): string {
    const wrong = results.filter(({ status }) => status !== "ok");
    const well = results.filter(({ status }) => status === "ok");
    const heading = `### ${isOk({ results }) ? MARKS.ok : MARKS.fail} ${tool} ${plain(host)}: ${summary(results)}`;
    const folded = ["<details>", `<summary>${well.length} fine</summary>`, "", table(well), "", "</details>"].join(
        "\n",
    );
    return [heading, ...(wrong.length > 0 ? [table(wrong)] : []), ...(well.length > 0 ? [folded] : [])].join("\n\n");
}

/** "2 of 9 failed, 1 warning". */
function summary(results: Finding[]): string {
    const count = (wanted: Status) => results.filter(({ status }) => status === wanted).length;
    const warnings = count("warn");
    return [
        count("fail") > 0 ? `${count("fail")} of ${results.length} failed` : "nothing failed",
        ...(warnings > 0 ? [warnings === 1 ? "1 warning" : `${warnings} warnings`] : []),
    ].join(", ");
}

function table(findings: Finding[]): string {
    const rows = findings.map(({ status, name, family, detail, hint }) => {
        const label = family === undefined ? name : `${name} ${family}`;
        const text = hint === undefined ? plain(detail) : `${plain(detail)}<br>→ ${withCommands(hint)}`;
        return `| ${MARKS[status]} | ${label} | ${text} |`;
    });
    return ["| | check | result |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Our own words, with the commands in backticks left as they are. */
function withCommands(hint: string): string {
    return hint
        .split(/(`[^`]*`)/)
        .map((part, index) => (index % 2 === 1 ? visible(part).replaceAll("|", "\\|") : plain(part)))
        .join("");
}

/** Text that a host may have sent, so that it neither formats nor mentions anybody. */
function plain(text: string): string {
    return visible(text.replace(/\s+/g, " "))
        .replace(/[\\`*_[\]|~#]/g, "\\$&")
        .replace(/&/g, "&amp;")
        .replace(/</g, "&lt;")
        .replace(/>/g, "&gt;")
        .replace(/(^|[^\w.])@/g, "$1&#64;");
}
