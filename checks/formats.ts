import { Option, type Command } from "commander";
import { FORMATS, type Format } from "./report.ts";

export interface FormatFlags {
    format: Format;
    json?: true;
    markdown?: true;
}

/** Adds the options by which the output is chosen, and what the exit status means. */
export function withFormats(program: Command, exitStatus: string): Command {
    return program
        .addOption(new Option("--format <format>", "how to print the findings").choices(FORMATS).default("text"))
        .option("--json", "the same as --format json")
        .option("--markdown", "the same as --format markdown: a table for a pull request or an issue")
        .addHelpText("after", `\nExit status: ${exitStatus}`)
        .exitOverride();
}

export function formatOf({ format, json, markdown }: FormatFlags): Format {
    return json ? "json" : markdown ? "markdown" : format;
}
