import { Command } from "commander";
import { run } from "../checks/run-command.ts";
import { formatOf, withFormats, type FormatFlags } from "../checks/formats.ts";
import { examineStack, EXIT_STATUS, exitCodeOf } from "./machines.ts";
import { previewChanges } from "./preview.ts";
import { printReports } from "./print.ts";

interface Flags extends FormatFlags {
    stack?: string;
    cwd?: string;
    key?: string;
}

const program = new Command("npm run drift --")
    .description(
        "Prints what differs from the settings: in the cloud, by `pulumi preview --refresh`, and on the machine, by doctor. Changes nothing.",
    )
    .option("--stack <name>", "by default the selected stack")
    .option("--cwd <directory>", "directory of the Pulumi project, by default this one")
    .option("--key <file>", "private key to log in with, by default the stack's or ssh's own")
    .action(drift);

await run(withFormats(program, EXIT_STATUS));

async function drift(flags: Flags): Promise<void> {
    const { stack, cwd, key } = flags;
    const preview = { host: "the stack", results: await previewChanges({ stack, cwd }) };
    const reports = [preview, ...(await examineStack({ stack, cwd, key }, {}))];
    printReports(formatOf(flags), "drift", reports, true);
    process.exitCode = exitCodeOf(reports);
}
