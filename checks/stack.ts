import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checks } from "../components/checks.ts";
import { findChecks, type Found } from "./outputs.ts";
import { pulumi } from "./pulumi.ts";
import { writeSshConfig } from "./ssh-config.ts";
import type { Target } from "./types.ts";
import { UsageError } from "./usage-error.ts";

export interface StackOptions {
    /** Name of the stack. Default: the selected one. */
    stack?: string;
    /** A file that `pulumi stack output --json` made, instead of a stack. */
    json?: string;
    /** Directory of the Pulumi project. Default: the current one. */
    cwd?: string;
    /** Only the proxy with this public host name. Default: all. */
    host?: string;
    /** File with the private key to log in with. Default: the stack's generated key, or else ssh's own keys. */
    key?: string;
    /** Do not log in to the machine, so that no secret is read. */
    withoutSsh?: boolean;
}

/** A proxy of the stack. */
export interface StackTarget {
    target: Target;
    /** The ssh command up to the destination, as words. Undefined if nobody can log in; `whyNoSsh` then says why. */
    ssh?: string[];
    whyNoSsh?: string;
    /** The setting `paused` has removed the machine, so nothing answers. */
    paused: boolean;
    /** Removes the temporary files behind `ssh`. */
    dispose: () => void;
}

/** The proxies of a stack, from its outputs. @throws UsageError */
export async function readStack(options: StackOptions): Promise<StackTarget[]> {
    const found = await readChecks(options);
    const key = options.key === undefined ? undefined : readFile(options.key, "private key");
    return found.map((one) => stackTarget(one, options, key));
}

/** What to check of a host. */
export function targetOf({ host, uiHost, ipv4, ipv6, grpc, http, ownCertificate, ca }: Checks): Target {
    return {
        ...{ host, uiHost, ipv4, ca, ownCertificate },
        ipv6: ipv6 ?? false,
        grpc: grpc ?? false,
        httpPort: http ? undefined : false,
        health: true,
    };
}

async function readChecks({ stack, json, cwd, host, key, withoutSsh }: StackOptions): Promise<Found[]> {
    const named = stack === undefined ? [] : ["--stack", stack];
    const read = (...more: string[]) => pulumi(["stack", "output", "--json", ...named, ...more], cwd);
    const source = json ?? (stack === undefined ? "the selected stack" : `the stack ${stack}`);
    const chosen = (text: string) => choose(findChecks(text, source), host, source);

    const found = chosen(json === undefined ? await read() : readFile(json, "JSON"));
    const needsSecrets = found.some(({ hiddenKey, checks }) => hiddenKey && !checks.paused);
    if (json !== undefined || key !== undefined || withoutSsh || !needsSecrets) return found;
    return chosen(await read("--show-secrets"));
}

function choose(found: Found[], host: string | undefined, source: string): Found[] {
    const chosen = host === undefined ? found : found.filter(({ checks }) => checks.host === host);
    if (chosen.length > 0) return chosen;
    throw new UsageError(`${source} has no host ${host}. It has ${found.map(({ checks }) => checks.host).join(", ")}.`);
}

function stackTarget(found: Found, { withoutSsh, json }: StackOptions, givenKey: string | undefined): StackTarget {
    const { checks, privateKey, hiddenKey } = found;
    const target: Target = { ...targetOf(checks), dns: "system" };
    const { paused, ssh } = checks;
    const without = { target, paused, dispose: () => {} };
    if (paused || withoutSsh) return without;
    const key = givenKey ?? privateKey;
    if (key === undefined && ssh.generatedKey) {
        const whyNoSsh = hiddenKey
            ? `the login key in ${json} is hidden: make the file with --show-secrets, or pass the key with --key`
            : `the login key is not among the outputs: export sshPrivateKey beside ${found.path.at(-1)}, or pass the key with --key`;
        return { ...without, whyNoSsh };
    }
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-ssh-"));
    const dispose = onceAtTheEnd(() => rmSync(directory, { recursive: true, force: true }));
    // Nobody answers a question of ssh.
    const command = ["ssh", "-o", "BatchMode=yes", ...writeSshConfig(directory, { ...ssh, key }, ssh.bastion)];
    return { ...without, ssh: command, dispose };
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
