import { CommanderError, type Command } from "commander";
import { UsageError } from "./usage-error.ts";

/** Runs the command. What a user can mend is one sentence and exit code 2. */
export async function run(program: Command): Promise<void> {
    // A reader such as `head` may close the pipe early; a shell then exits with this code.
    process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : 1));
    try {
        await program.parseAsync();
    } catch (error) {
        if (error instanceof UsageError) console.error(`error: ${error.message}`);
        else if (!(error instanceof CommanderError)) throw error;
        process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
    }
}
