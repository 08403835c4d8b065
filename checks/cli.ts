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
    .description("Checks from outside whether LinkMesh answers at its public host name.")
    .argument("<host>", "public host name, for example linkmesh.example.com")
    .option("--ipv4 <address>", "connect to this address instead of the A record")
    .option("--ipv6 <address>", "connect to this address instead of the AAAA record")
    .option("--no-ipv6", "there is no IPv6, and there must be no AAAA record")
    .option("--ui-host <name>", "name of the web UI, if it has a name of its own with HTTP/2")
    .option("--ca <file>", "PEM file of the CA that signs the public certificate; by default the public roots")
    .option("--dns <server...>", "name servers to ask; with --ipv4 or --ipv6, their answer must be these addresses")
    .option("--own-certificate", "the public certificate does not come from ACME, so nothing renews it")
    .option(
        "--ssh <command>",
        "how to log in to the machine, for example the output sshCommand; without it renewal, served, restart and limits are skipped",
    )
    .option("--only <check...>", "run only these checks")
    .option("--wait <seconds>", "try again what fails for this long", positive, 0)
    .option("--timeout <seconds>", "for each connection, and again for the response on it", positive, 10)
    .option("--http-port <port>", "instead of 80", positive)
    .addOption(new Option("--no-http", "port 80 is off, and must not answer").conflicts("httpPort"))
    .option("--https-port <port>", "instead of 443", positive, 443)
    .option("--grpc-port <port>", "instead of 50051, or of the HTTPS port with --grpc-host", positive)
    .option("--grpc-host <name>", "name of gRPC, if it has a name of its own on the HTTPS port")
    .addOption(new Option("--no-grpc", "gRPC is off, and 50051 must not answer").conflicts(["grpcHost", "grpcPort"]))
    .option("--json", "print one JSON document")
    .addHelpText(
        "after",
        "\nExit status: 0 if no check failed (warnings are possible), 1 if a check failed, 2 if the usage is wrong.",
    )
    .exitOverride()
    .action(check);

// A reader such as `head` may close the pipe early; a shell then exits with this code.
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
        retryForMs: flags.wait * 1000,
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
    if (!(value > 0)) throw new InvalidArgumentError("It must be a number greater than 0.");
    return value;
}
