import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { Checks } from "../components/checks.ts";
import { machinesOf } from "./machines.ts";
import { findChecks, type Found } from "./outputs.ts";
import { pulumi } from "./pulumi.ts";
import { forSelection, type Selection } from "./selection.ts";
import { writeSshConfig } from "./ssh-config.ts";
import type { Target } from "./types.ts";
import { UsageError } from "./usage-error.ts";

/** By default the selected stack of the project in the current directory. */
export interface StackOptions extends Selection {
    /** A file that `pulumi stack output --json` made, instead of a stack. */
    from?: string;
    /** Only the proxy with this public host name. Default: all. */
    host?: string;
    /** Only this machine of several. Default: all. */
    machine?: string;
    /** File with the private key to log in with. Default: the stack's generated key, or else ssh's own keys. */
    key?: string;
    /** Do not log in to the machine, so that no secret is read. */
    withoutSsh?: boolean;
}

/** A proxy of the stack. */
export interface StackTarget {
    /** With the ssh commands of several machines. */
    target: Target;
    /** The ssh command up to the destination, as words. Undefined with several machines, or if nobody can log in; `whyNoSsh` then says why. */
    ssh?: string[];
    whyNoSsh?: string;
    /** The setting `paused` has removed the machine, so nothing answers. */
    paused: boolean;
    /** The setting `dailySnapshots` is on. */
    scheduled: boolean;
    /** Removes the temporary files behind `ssh`. */
    dispose: () => void;
}

/** The proxies of a stack, from its outputs. @throws UsageError */
export async function readStack(options: StackOptions): Promise<StackTarget[]> {
    const found = await readChecks(options).catch((error: unknown) => {
        if (!(error instanceof UsageError)) throw error;
        throw new UsageError(forSelection(error.message, options));
    });
    const key = options.key === undefined ? undefined : readFile(options.key, "private key");
    return found.map((one) => stackTarget(one, options, key));
}

/**
 * What to check of a host. The bundle of an ACME directory verifies the directory: it may have the certificates issued by
 * another CA, such as a public one behind a proxy that opens TLS.
 */
export function targetOf({ host, uiHost, ipv4, ipv6, tier, grpc, http, ownCertificate, ca }: Checks): Target {
    return {
        ...{ host, uiHost, ipv4, ownCertificate },
        balancer: tier && { ipv4: tier.ipv4, ipv6: tier.ipv6 },
        ca: ca === undefined || ownCertificate ? ca : [ca.trimEnd(), ...rootCertificates].join("\n"),
        ipv6: ipv6 ?? false,
        grpc: grpc ?? false,
        httpPort: http ? undefined : false,
        health: true,
    };
}

async function readChecks({ stack, from, cwd, host, key, withoutSsh }: StackOptions): Promise<Found[]> {
    const named = stack === undefined ? [] : ["--stack", stack];
    const read = (...more: string[]) => pulumi(["stack", "output", "--json", ...named, ...more], cwd);
    const source = from ?? (stack === undefined ? "the selected stack" : `the stack ${stack}`);
    const chosen = (text: string) => choose(findChecks(text, source), host, source);

    const found = chosen(from === undefined ? await read() : readFile(from, "JSON"));
    const needsSecrets = found.some(({ hiddenKey, checks }) => hiddenKey && !checks.paused);
    if (from !== undefined || key !== undefined || withoutSsh || !needsSecrets) return found;
    return chosen(await read("--show-secrets"));
}

function choose(found: Found[], host: string | undefined, source: string): Found[] {
    const chosen = host === undefined ? found : found.filter(({ checks }) => checks.host === host);
    if (chosen.length > 0) return chosen;
    throw new UsageError(`${source} has no host ${host}. It has ${found.map(({ checks }) => checks.host).join(", ")}.`);
}

function stackTarget(
    found: Found,
    { withoutSsh, from, machine }: StackOptions,
    givenKey: string | undefined,
): StackTarget {
    const { checks, privateKey, hiddenKey } = found;
    const target: Target = { ...targetOf(checks), dns: "system" };
    const { paused, ssh } = checks;
    const machines = paused ? [] : machinesOf(checks, machine);
    const without = { target, paused, scheduled: checks.dailySnapshots !== undefined, dispose: () => {} };
    if (paused || withoutSsh) return without;
    const key = givenKey ?? privateKey;
    if (key === undefined && ssh.generatedKey) {
        const whyNoSsh = hiddenKey
            ? `the login key in ${from} is hidden: make the file with --show-secrets, or pass the key with --key`
            : `the login key is not among the outputs: export sshPrivateKey beside ${found.path.at(-1)}, or pass the key with --key`;
        return { ...without, whyNoSsh };
    }
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-ssh-"));
    const dispose = onceAtTheEnd(() => rmSync(directory, { recursive: true, force: true }));
    const logins = machines.map(({ name = "", ssh: login }) => {
        const args = writeSshConfig(join(directory, name), { ...login, key }, login.bastion);
        // Nobody answers a question of ssh.
        return { name, ssh: ["ssh", "-o", "BatchMode=yes", ...args] };
    });
    if (checks.tier) return { ...without, target: { ...target, nodes: logins }, dispose };
    return { ...without, ssh: logins[0]!.ssh, dispose };
}

/** Runs when it is called, or at the end of the process, also by Ctrl-C. */
function onceAtTheEnd(action: () => void): () => void {
    const interrupted = () => process.exit(130);
    const run = () => {
        process.off("exit", run).off("SIGINT", interrupted).off("SIGTERM", interrupted);
        action();
    };
    process.once("exit", run).once("SIGINT", interrupted).once("SIGTERM", interrupted);
    return run;
}

function readFile(file: string, what: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw new UsageError(`the ${what} file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    }
}
