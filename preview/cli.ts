import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { commentOn, failureComment } from "./comment.ts";
import { InvalidPreview, readPreview } from "./preview.ts";

const program = new Command("npm run --silent preview:markdown --")
    .description("Makes a pull request comment, in Markdown, of the output of `pulumi preview --json`.")
    .argument("[file]", "the output; by default standard input")
    .option("--stack <name>", "the stack, for the title", stackName)
    .addHelpText(
        "after",
        "\nExit status: 0 if the preview succeeded, 2 if it failed, cannot be read or the usage is wrong. Except for wrong usage, there is a comment in any case.",
    )
    .exitOverride()
    .action(comment);

// A reader such as `head` may close the pipe early; a shell then exits with this code.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : 1));
try {
    await program.parseAsync();
} catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode && 2;
}

async function comment(file: string | undefined, { stack }: { stack?: string }): Promise<void> {
    try {
        const preview = readPreview(await read(file));
        process.stdout.write(commentOn(preview, stack));
        if (preview.diagnostics.some(({ severity }) => severity === "error")) {
            complain("the preview failed: the comment has its errors.");
        }
    } catch (error) {
        if (!(error instanceof InvalidPreview)) throw error;
        process.stdout.write(failureComment(error.message, stack));
        complain(error.message);
    }
}

async function read(file: string | undefined): Promise<string> {
    if (file === undefined || file === "-") {
        if (!process.stdin.isTTY) return text(process.stdin);
        throw usage("name the file with the output of `pulumi preview --json`, or pipe it in.");
    }
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    }
}

function usage(sentence: string): CommanderError {
    complain(sentence);
    return new CommanderError(2, "usage", sentence);
}

function complain(sentence: string): void {
    console.error(`error: ${sentence}`);
    process.exitCode = 2;
}

/** Only what Pulumi allows, because the name stands in a comment of HTML. */
function stackName(name: string): string {
    if (/^[\w.-]+(\/[\w.-]+){0,2}$/.test(name)) return name;
    throw new InvalidArgumentError("It must be a stack's name, such as staging or organization/project/staging.");
}
