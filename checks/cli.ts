import { readFileSync, statSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { parseCommandString } from "execa";
import { isOk, runChecks, warn, type CheckName, type Finding, type Report, type Target } from "./index.ts";
import { formatOf, withFormats, type FormatFlags } from "./formats.ts";
import { findingLines, render } from "./report.ts";
import { run } from "./run-command.ts";
import { forSelection, type Selection } from "./selection.ts";
import { readStack, type StackTarget } from "./stack.ts";
import { UsageError } from "./usage-error.ts";

interface Flags extends FormatFlags {
    stack?: string | true;
    from?: string;
    cwd?: string;
    host?: string;
    machine?: string;
    key?: string;
    ipv4?: string;
    ipv6?: string | false;
    uiHost?: string;
    ca?: string;
    dns?: string[];
    ssh?: string | false;
    only?: string[];
    wait: number;
    timeout: number;
    http: boolean;
    httpPort?: number;
    httpsPort?: number;
    grpc: boolean;
    grpcHost?: string;
    grpcPort?: number;
    ownCertificate?: true;
    health?: true;
}

const program = new Command("npm run check --")
    .usage("--stack [NAME] | --from FILE | HOST  [options]")
    .description("Checks from outside whether LinkMesh answers at its public host name.")
    .argument("[host]", "public host name, for example linkmesh.example.com")
    .option("--stack [name]", "take names, addresses, modes and the login from this stack; by default the selected one")
    .addOption(
        new Option("--from <file>", "take them from a file that `pulumi stack output --json` made").conflicts("stack"),
    )
    .option("--cwd <directory>", "directory of the Pulumi project, by default this one")
    .option("--host <name>", "check only this host of the stack")
    .option("--machine <name>", "log in only to this machine of several, for example node-2")
    .option("--key <file>", "private key to log in with, by default the stack's or ssh's own")
    .option("--ipv4 <address>", "connect to this address instead of the A record")
    .option("--ipv6 <address>", "connect to this address instead of the AAAA record")
    .option("--no-ipv6", "there is no IPv6, and there must be no AAAA record")
    .option("--ui-host <name>", "name of the web UI, if it has a name of its own with HTTP/2")
    .option("--ca <file>", "PEM file of the CA that signs the public certificate; by default the public roots")
    .option("--dns <server...>", "name servers to ask; with --ipv4 or --ipv6, their answer must be these addresses")
    .option("--own-certificate", "the public certificate does not come from ACME, so nothing renews it")
    .option("--health", "the host has the health URL of this program")
    .option(
        "--ssh <command>",
        "how to log in to the machine, for example the output sshCommand; without it setup, renewal, served, restart and limits are skipped",
    )
    .option("--no-ssh", "do not log in to the machine of the stack")
    .option("--only <check...>", "run only these checks")
    .option("--wait <seconds>", "try again what fails for this long", positive, 0)
    .option("--timeout <seconds>", "for each connection, and again for the response on it", positive, 10)
    .option("--http-port <port>", "instead of 80", positive)
    .addOption(new Option("--no-http", "port 80 is off, and must not answer").conflicts("httpPort"))
    .option("--https-port <port>", "instead of 443", positive)
    .option("--grpc-port <port>", "instead of 50051, or of the HTTPS port with --grpc-host", positive)
    .option("--grpc-host <name>", "name of gRPC, if it has a name of its own on the HTTPS port")
    .addOption(new Option("--no-grpc", "gRPC is off, and 50051 must not answer").conflicts(["grpcHost", "grpcPort"]))
    .action(check);

await run(
    withFormats(
        program,
        "0 if no check failed (warnings are possible), 1 if a check failed, 2 if nothing could be checked.",
    ),
);

async function check(host: string | undefined, flags: Flags): Promise<void> {
    const format = formatOf(flags);
    const proxies = await findProxies(host, flags);
    const reports: Report[] = [];
    try {
        for (const proxy of proxies) {
            if (format === "text" && proxies.length > 1)
                console.log(`${reports.length > 0 ? "\n" : ""}${proxy.target.host}`);
            reports.push(await checkProxy(proxy, flags, format === "text"));
        }
    } finally {
        for (const proxy of proxies) proxy.dispose();
    }
    if (format !== "text") console.log(render(format, "check", reports));
    process.exitCode = reports.every(isOk) ? 0 : 1;
}

/** The hosts to check: the one on the command line, or those of the stack. */
async function findProxies(host: string | undefined, flags: Flags): Promise<StackTarget[]> {
    const { stack, from, key } = flags;
    const fromStack = stack !== undefined || from !== undefined;
    if (host !== undefined && isFile(host)) {
        throw new UsageError(
            `${host} is a file and no host name: --from ${host} reads it, and --json prints the results as JSON`,
        );
    }
    if (host !== undefined && fromStack) {
        throw new UsageError(`${host} and a stack exclude each other: --host ${host} picks a host of the stack`);
    }
    if (host === undefined && !fromStack) {
        throw new UsageError("name what to check: --stack, --from FILE, or a host name such as linkmesh.example.com");
    }
    const ssh = typeof flags.ssh === "string" ? parseCommandString(flags.ssh) : undefined;
    if (host !== undefined) return [{ target: { host }, ssh, paused: false, scheduled: false, dispose: () => {} }];
    const withoutSsh = flags.ssh !== undefined;
    const proxies = await readStack({
        ...selectionOf(flags),
        from,
        host: flags.host,
        machine: flags.machine,
        key,
        withoutSsh,
    });
    return ssh ? proxies.map((proxy) => ({ ...proxy, ssh })) : proxies;
}

async function checkProxy(
    { target, ssh, whyNoSsh, paused }: StackTarget,
    flags: Flags,
    show: boolean,
): Promise<Report> {
    const report: Report = { host: target.host, results: [] };
    const told = new Set<string>();
    const add = ({ hint, ...finding }: Finding) => {
        const next = hint === undefined ? undefined : forSelection(hint, selectionOf(flags));
        report.results.push({ ...finding, hint: next });
        // Several checks may fail for one reason.
        const isNew = next !== undefined && !told.has(next);
        if (isNew) told.add(next);
        if (show) console.log(findingLines({ ...finding, hint: isNew ? next : undefined }));
    };
    if (paused) {
        const resume = "pulumi config set paused false && pulumi up";
        add({ name: "machine", ...warn("the stack is paused and has no machine: nothing was checked", resume) });
        return report;
    }
    await runChecks(
        { ...target, ...overrides(flags, target), ssh, timeoutMs: flags.timeout * 1000 },
        { only: flags.only as CheckName[] | undefined, retryForMs: flags.wait * 1000, onResult: add },
    );
    if (whyNoSsh !== undefined) add({ name: "machine", ...warn("nothing was checked on the machine", whyNoSsh) });
    return report;
}

function selectionOf({ stack, cwd }: Flags): Selection {
    return { stack: stack === true ? undefined : stack, cwd };
}

/** What the command line says of the target, without what it leaves out. */
function overrides(flags: Flags, { balancer }: Target): Partial<Target> {
    const { ipv4, ipv6, uiHost, dns, ownCertificate, health, httpsPort, grpcHost, grpcPort } = flags;
    const given: Partial<Target> = {
        ...{ ipv4, ipv6, uiHost, dns, ownCertificate, health, httpsPort },
        balancer: balancer && {
            ipv4: ipv4 === undefined ? balancer.ipv4 : [ipv4],
            ipv6: ipv6 === undefined ? balancer.ipv6 : ipv6 === false ? [] : [ipv6],
        },
        ca: flags.ca === undefined ? undefined : readCa(flags.ca),
        httpPort: flags.http && flags.httpPort,
        grpc: flags.grpc && (grpcHost ?? grpcPort) !== undefined ? { host: grpcHost, port: grpcPort } : undefined,
    };
    if (!flags.grpc) given.grpc = false;
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Of a user of `--json FILE`, which once read a file. */
function isFile(host: string): boolean {
    return host.endsWith(".json") || (statSync(host, { throwIfNoEntry: false })?.isFile() ?? false);
}

function readCa(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw new UsageError(`the CA file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
}

function positive(text: string): number {
    const value = Number(text);
    if (!(value > 0)) throw new InvalidArgumentError("It must be a number greater than 0.");
    return value;
}
