import { Command, InvalidArgumentError, Option } from "commander";
import { parseCommandString } from "execa";
import { UsageError } from "../checks/usage-error.ts";
import { run } from "../checks/run-command.ts";
import { formatOf, withFormats, type FormatFlags } from "../checks/formats.ts";
import { examineOver, examineStack, EXIT_STATUS, exitCodeOf, type Examined } from "./machines.ts";
import { printReports } from "./print.ts";

interface Flags extends FormatFlags {
    stack?: string | true;
    from?: string;
    cwd?: string;
    host?: string;
    machine?: string;
    key?: string;
    ssh?: string;
    timeout: number;
}

const program = new Command("npm run doctor --")
    .usage("--stack [NAME] | --from FILE | --ssh COMMAND  [options]")
    .description(
        "Looks at the machine over SSH, without changing anything: what differs from what pulumi up left, and what runs short.",
    )
    .option("--stack [name]", "the stack of the machine; by default the selected one")
    .addOption(
        new Option("--from <file>", "a file that `pulumi stack output --json` made, instead of the stack").conflicts(
            "stack",
        ),
    )
    .addOption(
        new Option("--ssh <command>", "how to log in, for example the output sshCommand, instead of a stack").conflicts(
            [...["stack", "from", "cwd", "host", "machine", "key"]],
        ),
    )
    .option("--cwd <directory>", "directory of the Pulumi project, by default this one")
    .option("--host <name>", "look only at this host of the stack")
    .option("--machine <name>", "look only at this machine of several, for example node-2")
    .option("--key <file>", "private key to log in with, by default the stack's or ssh's own")
    .option("--timeout <seconds>", "for each machine", positive, 120)
    .action(doctor);

await run(withFormats(program, EXIT_STATUS));

async function doctor(flags: Flags): Promise<void> {
    const reports = await examineMachines(flags);
    printReports(formatOf(flags), "doctor", reports);
    process.exitCode = exitCodeOf(reports);
}

async function examineMachines({ stack, from, ssh, cwd, host, machine, key, timeout }: Flags): Promise<Examined[]> {
    const options = { timeoutMs: timeout * 1000 };
    if (ssh !== undefined) {
        const command = parseCommandString(ssh);
        if (command.length === 0) throw new UsageError("the ssh command is empty: --ssh");
        return [await examineOver(command, options)];
    }
    if (stack === undefined && from === undefined)
        throw new UsageError("name the machine: --stack, --from FILE, or --ssh COMMAND");
    return examineStack({ stack: stack === true ? undefined : stack, from, cwd, host, machine, key }, options);
}

function positive(text: string): number {
    const value = Number(text);
    if (!(value > 0)) throw new InvalidArgumentError("It must be a number greater than 0.");
    return value;
}
