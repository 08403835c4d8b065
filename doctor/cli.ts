import { Command, InvalidArgumentError, Option } from "commander";
import { parseCommandString } from "execa";
import { UsageError } from "../checks/usage-error.ts";
import { run } from "../checks/run-command.ts";
import { formatOf, withFormats, type FormatFlags } from "./command.ts";
import { examineOver, examineStack, exitCodeOf, type Examined } from "./machines.ts";
import { printReports } from "./print.ts";

interface Flags extends FormatFlags {
    stack?: string | true;
    cwd?: string;
    host?: string;
    key?: string;
    ssh?: string;
    timeout: number;
}

const program = new Command("npm run doctor --")
    .usage("--stack [NAME] | --ssh COMMAND  [options]")
    .description(
        "Looks at the machine over SSH, without changing anything: what differs from what pulumi up left, and what runs short.",
    )
    .option("--stack [name]", "the stack of the machine; by default the selected one")
    .addOption(
        new Option("--ssh <command>", "how to log in, for example the output sshCommand, instead of a stack").conflicts(
            [...["stack", "cwd", "host", "key"]],
        ),
    )
    .option("--cwd <directory>", "directory of the Pulumi project, by default this one")
    .option("--host <name>", "look only at this host of the stack")
    .option("--key <file>", "private key to log in with, by default the stack's or ssh's own")
    .option("--timeout <seconds>", "for each machine", positive, 120)
    .action(doctor);

await run(withFormats(program));

async function doctor(flags: Flags): Promise<void> {
    const reports = await examineMachines(flags);
    printReports(formatOf(flags), "doctor", reports);
    process.exitCode = exitCodeOf(reports);
}

async function examineMachines({ stack, ssh, cwd, host, key, timeout }: Flags): Promise<Examined[]> {
    const options = { timeoutMs: timeout * 1000 };
    if (ssh !== undefined) {
        const command = parseCommandString(ssh);
        if (command.length === 0) throw new UsageError("the ssh command is empty: --ssh");
        return [await examineOver(command, options)];
    }
    if (stack === undefined) throw new UsageError("name the machine: --stack, or --ssh COMMAND");
    return examineStack({ stack: stack === true ? undefined : stack, cwd, host, key }, options);
}

function positive(text: string): number {
    const value = Number(text);
    if (!(value > 0)) throw new InvalidArgumentError("It must be a number greater than 0.");
    return value;
}
