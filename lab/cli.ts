import { Command, CommanderError, Option } from "commander";
import { loadLazily } from "./engine/lazy-packages.ts";
import { completePath } from "./engine/prerequisites.ts";
import { LabError } from "./lab.ts";

const INTERRUPTED = 130;

loadLazily();

const program = new Command("npm run lab --")
    .description(
        "A laptop-sized cloud: this checkout's program on a real machine, with real DNS and certificates, without an account.",
    )
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text + dashesForgotten(text)) })
    .exitOverride();

const collect = (value: string, all: string[] = []) => [...all, value];
const SET_HELP =
    "a setting of the program, as key=value; key=@FILE takes the value from a file, key= removes it (lists as a,b or JSON, objects as JSON)";

// Each command's code is loaded when it runs, because loading the Pulumi SDK takes a second.
program
    .command("up")
    .description("make the lab, or update it after a change")
    .option("--set <key=value>", `${SET_HELP}; stays in force for later runs`, collect)
    .option(
        "--package <file>",
        "install this LinkMesh package instead of the stand-in, now and in later runs (`stand-in` returns to the stand-in)",
    )
    .option(
        "--replace <resource>",
        "replace this resource, by its name in the program or a pattern of URNs; may be repeated",
        collect,
    )
    .option("--refresh", "first compare the state with the cloud, for example after a machine was terminated there")
    .option("--json", "print one JSON document at the end; the stages go to standard error")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/up.ts")).up(options));

program
    .command("preview")
    .description("show what `up` would change")
    .option("--set <key=value>", `${SET_HELP}; for this preview only`, collect)
    .option("--diff", "show each change line by line")
    .addOption(
        new Option("--json", "print what `pulumi preview --json` prints, for `npm run preview:markdown`").conflicts(
            "diff",
        ),
    )
    .action(async (options: object) => (await import("./commands/preview.ts")).preview(options));

program
    .command("check")
    .description(
        "check the three public endpoints from outside, in both address families, and on the machine the renewal, the served certificate and whether it needs a restart",
    )
    .addOption(new Option("--json", "print one JSON document").conflicts("markdown"))
    .option("--markdown", "print a table for a pull request or an issue")
    .option("--machine <name>", "look only at this machine of several, for example node-2")
    .action(async (options: object) => (await import("./commands/check.ts")).check(options));

program
    .command("doctor")
    .description("look on the machine for what differs from what `up` wrote, and for what runs short")
    .addOption(new Option("--json", "print one JSON document").conflicts("markdown"))
    .option("--markdown", "print a table for a pull request or an issue")
    .option("--machine <name>", "look only at this machine of several, for example node-2")
    .action(async (options: object) => (await import("./commands/doctor.ts")).doctor(options));

program
    .command("status")
    .description("show addresses, machine, services and the times of the last `up`")
    .option("--json", "print one JSON document")
    .option("--machine <name>", "show only this machine of several, for example node-2")
    .action(async (options: object) => (await import("./commands/status.ts")).status(options));

program
    .command("ssh")
    .description("open a shell on the machine, or run a command there: ssh -- COMMAND")
    .argument("[command...]")
    .option("--machine <name>", "which machine of several, for example node-2")
    .passThroughOptions()
    .action(async (command: string[], options: object) => (await import("./commands/ssh.ts")).ssh(command, options));

program
    .command("logs")
    .description(
        "show a log: linkmesh, nginx, certbot, cloud-init or console of the machine; balancer, pebble, pebble-corporate, aws, dns, mongodb or git of the lab",
    )
    .argument("[name]", "which log", "linkmesh")
    .option("-f, --follow", "keep showing new lines")
    .option("-n, --lines <number>", "how many lines", "50")
    .option("--machine <name>", "of which machine of several, for example node-2")
    .action(async (name: string, options: { follow?: boolean; lines: string; machine?: string }) =>
        (await import("./commands/logs.ts")).logs(name, options),
    );

program
    .command("renew")
    .description("renew the certificate now and check that the new one is served")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/renew.ts")).renew(options));

program
    .command("snapshot")
    .description("run the snapshot policies now, because the lab does not run their schedules")
    .action(async () => (await import("./commands/snapshot.ts")).snapshot());

program
    .command("bastion")
    .description("start a bastion and print the bastion… settings for it")
    .option("--remove", "remove the bastion")
    .option("--json", "print one JSON document; the stages go to standard error")
    .action(async (options: object) => (await import("./commands/bastion.ts")).bastion(options));

program
    .command("storage")
    .description(
        "start a MongoDB and a Git remote of your own beside the lab, and print the settings with which LinkMesh uses it",
    )
    .option("--remove", "remove it, with its data")
    .option("--json", "print one JSON document; the stages go to standard error")
    .action(async (options: object) => (await import("./commands/storage.ts")).storage(options));

program
    .command("record")
    .description(
        "list the DNS records made by hand at another provider (dns: external), or make one: NAME TYPE VALUE...",
    )
    .argument("[name]", "a name in the lab's zone")
    .argument("[type]", "A, AAAA, CAA, CNAME or TXT")
    .argument("[value...]", "replaces the values of the record")
    .option("--remove", "remove the record: --remove NAME TYPE")
    .option("--ttl <seconds>", "how long resolvers may cache it", "60")
    .action(async (name: string | undefined, type: string | undefined, values: string[], options: { ttl: string }) =>
        (await import("./commands/record.ts")).record(name, type, values, options),
    );

program
    .command("env")
    .description(
        'print the variables that make plain `pulumi` use the lab\'s stack: eval "$(npm run --silent lab -- env)"',
    )
    .action(async () => (await import("./commands/env.ts")).env());

program
    .command("destroy")
    .description("remove the lab, in any state")
    .option(
        "--stack",
        "remove only what the program has made; the lab's services, its cloud with the snapshots and --set stay",
    )
    .option("--ignore-protect", "destroy the stack even if the setting protect is on")
    .option("--slot <number>", "another lab of this machine")
    .option("--verbose", "print every progress message")
    .action(async (options: object) => (await import("./commands/destroy.ts")).destroy(options));

/** npm keeps an option for itself that does not stand behind "--", and passes its value on. */
function dashesForgotten(text: string): string {
    return text.includes("too many arguments")
        ? "(Options stand behind two dashes: npm run lab -- COMMAND --option.)\n"
        : "";
}

// A reader such as `head` may end before everything is printed.
for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
}
completePath();

/** Runs a command, and leaves its exit code in `process.exitCode`. */
export async function main(args: string[]): Promise<void> {
    try {
        await program.parseAsync(args, { from: "user" });
    } catch (error) {
        process.exitCode = report(error);
    }
}

/** Prints an error and returns the exit code. A user's error is one sentence, a defect has a stack trace. */
function report(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof LabError) {
        console.error(`error: ${error.message}`);
        return error.name === "Interrupted" ? INTERRUPTED : 1;
    }
    console.error(error);
    return 1;
}
