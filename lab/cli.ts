import { Command, CommanderError } from "commander";
import { completePath } from "./engine/prerequisites.ts";
import { LabError } from "./lab.ts";

const INTERRUPTED = 130;

const program = new Command("npm run lab --")
    .description(
        "A laptop-sized cloud: this checkout's program on a real machine, with real DNS and certificates, without an account.",
    )
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride();

const collect = (value: string, all: string[] = []) => [...all, value];
const SET_HELP = "a setting of the program, as key=value; key= takes it back (lists as a,b or JSON, objects as JSON)";

// Each command's code is loaded when it runs: the Pulumi SDK alone takes a second.
program
    .command("up")
    .description("bring the lab up, or up to date after a change")
    .option("--set <key=value>", `${SET_HELP}; stays in force for the runs that follow`, collect)
    .option(
        "--package <file>",
        "install this LinkMesh package in place of the stand-in, now and in the runs that follow (`stand-in` takes it back)",
    )
    .option("--replace <resource>", "replace this resource, by its name in the program; may be repeated", collect)
    .option("--refresh", "look first at what the cloud has, such as a machine that was terminated there")
    .option("--json", "print one JSON document at the end; the stages go to standard error")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/up.ts")).up(options));

program
    .command("preview")
    .description("show what `up` would change")
    .option("--set <key=value>", `${SET_HELP}; for this preview only`, collect)
    .option("--diff", "show each change line by line")
    .action(async (options: object) => (await import("./commands/preview.ts")).preview(options));

program
    .command("check")
    .description(
        "ask the three public endpoints from outside, in both address families, and the machine whether it renews, serves the certificate on its disk and needs a restart",
    )
    .option("--json", "print one JSON document")
    .action(async (options: object) => (await import("./commands/check.ts")).check(options));

program
    .command("status")
    .description("show addresses, machine, services and the times of the last `up`")
    .option("--json", "print one JSON document")
    .action(async (options: object) => (await import("./commands/status.ts")).status(options));

program
    .command("ssh")
    .description("open a shell on the machine, or run a command there: ssh -- COMMAND")
    .argument("[command...]")
    .passThroughOptions()
    .action(async (command: string[]) => (await import("./commands/ssh.ts")).ssh(command));

program
    .command("logs")
    .description(
        "show a log: linkmesh, nginx, certbot, cloud-init or console of the machine; pebble, pebble-corporate, aws or dns of the lab",
    )
    .argument("[name]", "which log", "linkmesh")
    .option("-f, --follow", "go on as lines are added")
    .option("-n, --lines <number>", "how many lines", "50")
    .action(async (name: string, options: { follow?: boolean; lines: string }) =>
        (await import("./commands/logs.ts")).logs(name, options),
    );

program
    .command("renew")
    .description("renew the certificate now, and show that the new one is served")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/renew.ts")).renew(options));

program
    .command("snapshot")
    .description("run the snapshot policies now, as AWS would at their time: the lab has no clock of its own for them")
    .action(async () => (await import("./commands/snapshot.ts")).snapshot());

program
    .command("bastion")
    .description("start a machine to reach the other through, and print the settings bastion… for it")
    .option("--remove", "take it away")
    .option("--json", "print one JSON document; the stages go to standard error")
    .action(async (options: object) => (await import("./commands/bastion.ts")).bastion(options));

program
    .command("record")
    .description(
        "list the DNS records made by hand at another provider (dns: external), or make one: NAME TYPE VALUE...",
    )
    .argument("[name]", "a name in the lab's zone")
    .argument("[type]", "A, AAAA, CAA, CNAME or TXT")
    .argument("[value...]", "takes the place of the values that the record has")
    .option("--remove", "take the record away: --remove NAME TYPE")
    .option("--ttl <seconds>", "how long others may remember it", "60")
    .action(async (name: string | undefined, type: string | undefined, values: string[], options: { ttl: string }) =>
        (await import("./commands/record.ts")).record(name, type, values, options),
    );

program
    .command("env")
    .description(
        'print the variables with which plain `pulumi` works on the lab\'s stack: eval "$(npm run --silent lab -- env)"',
    )
    .action(async () => (await import("./commands/env.ts")).env());

program
    .command("destroy")
    .description("take the lab away, whatever state it is in")
    .option(
        "--stack",
        "only what the program has made: the lab's services, its cloud with the snapshots and --set stay",
    )
    .option("--ignore-protect", "go ahead although the setting protect is on")
    .option("--slot <number>", "another lab of this machine")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/destroy.ts")).destroy(options));

// A reader such as `head` may go before everything is printed.
for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
}
completePath();
try {
    await program.parseAsync();
} catch (error) {
    process.exitCode = report(error);
}

/** Prints what went wrong and gives the exit code: a sentence for what the user can cure, a stack trace for a defect. */
function report(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof LabError) {
        console.error(`error: ${error.message}`);
        return error.name === "Interrupted" ? INTERRUPTED : 1;
    }
    console.error(error);
    return 1;
}
