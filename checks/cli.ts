import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseCommandString } from "execa";
import { InvalidTarget, runChecks, type CheckName, type CheckResult, type Status, type Target } from "./index.ts";

interface Flags {
    ipv4?: string;
    ipv6?: string | false;
    uiHost?: string;
    ca?: string;
    dns?: string[];
    ssh?: string;
    only?: string[];
    wait: number;
    timeout: number;
    http: boolean;
    httpPort?: number;
    httpsPort: number;
    grpc: boolean;
    grpcHost?: string;
    grpcPort?: number;
    ownCertificate?: true;
    json?: true;
}

const MARKS: Record<Status, string> = { ok: "✓", warn: "!", fail: "✗" };

const program = new Command("npm run check --")
    .usage("HOST [options]")
    .description("Asks from outside whether LinkMesh answers at its public host name.")
    .argument("<host>", "public host name, such as linkmesh.example.com")
    .option("--ipv4 <address>", "dial this address instead of asking the DNS")
    .option("--ipv6 <address>", "dial this address instead of asking the DNS")
    .option("--no-ipv6", "there is no IPv6, and the DNS must not name an IPv6 address")
    .option("--ui-host <name>", "name of the web UI, where it has one of its own with HTTP/2")
    .option("--ca <file>", "PEM file of the CA that signs the public certificate")
    .option("--dns <server...>", "name servers to ask; with --ipv4 or --ipv6 their answer is compared")
    .option("--own-certificate", "the public certificate is not from ACME, so nothing renews it")
    .option(
        "--ssh <command>",
        'how to log in to the machine, as the output sshCommand has it; without it "renewal", "served", "restart" and "limits" are not checked',
    )
    .option("--only <check...>", "run only these checks")
    .option("--wait <seconds>", "keep trying what fails for this long", positive, 0)
    .option("--timeout <seconds>", "for one connection, and for the answer on it", positive, 10)
    .option("--http-port <port>", "in place of 80", positive)
    .addOption(new Option("--no-http", "port 80 is off, and must not answer").conflicts("httpPort"))
    .option("--https-port <port>", "in place of 443", positive, 443)
    .option("--grpc-port <port>", "in place of 50051, or of the HTTPS port with --grpc-host", positive)
    .option("--grpc-host <name>", "name of gRPC, where it has one of its own on the HTTPS port")
    .addOption(new Option("--no-grpc", "gRPC is off, and 50051 must not answer").conflicts(["grpcHost", "grpcPort"]))
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExit status: 0 nothing failed (warnings may be there), 1 a check failed, 2 bad usage.")
    .exitOverride()
    .action(check);

// A reader such as `head` may go before everything is printed; the code is a shell's for that.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : 1));
try {
    await program.parseAsync();
} catch (error) {
    if (error instanceof InvalidTarget) console.error(`error: ${error.message}`);
    else if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
}

async function check(host: string, flags: Flags): Promise<void> {
    const target: Target = {
        host,
        ipv4: flags.ipv4,
        ipv6: flags.ipv6,
        uiHost: flags.uiHost,
        ca: flags.ca === undefined ? undefined : readCa(flags.ca),
        dns: flags.dns,
        ownCertificate: flags.ownCertificate,
        httpPort: flags.http && flags.httpPort,
        httpsPort: flags.httpsPort,
        grpc: flags.grpc && { host: flags.grpcHost, port: flags.grpcPort },
        ssh: flags.ssh === undefined ? undefined : parseCommandString(flags.ssh),
        timeoutMs: flags.timeout * 1000,
    };
    const results = await runChecks(target, {
        only: flags.only as CheckName[] | undefined,
        patience: flags.wait * 1000,
        onResult: flags.json ? undefined : print,
    });
    const failed = results.some(({ status }) => status === "fail");
    if (flags.json) console.log(JSON.stringify({ host, ok: !failed, results }, undefined, 2));
    process.exitCode = failed ? 1 : 0;
}

function print({ status, name, family, detail, hint }: CheckResult): void {
    const indent = " ".repeat(20);
    console.log(`${MARKS[status]} ${name.padEnd(12)}${(family ?? "").padEnd(6)}${detail}`);
    if (hint !== undefined) console.log(`${indent}${hint}`);
}

function readCa(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw new InvalidTarget(`the CA file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
}

function positive(text: string): number {
    const value = Number(text);
    if (!(value > 0)) throw new InvalidArgumentError("It must be a number above 0.");
    return value;
}
