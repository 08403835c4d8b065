import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { agent } from "./agent.ts";
import { NO_ROUTE, RESOLVER_DOWN, UNFINISHED } from "./causes.ts";
import { judgeAddresses, list, lookUp, type Records } from "./addresses.ts";
import { certificate } from "./certificate.ts";
import { closed } from "./closed.ts";
import { ConnectionError } from "./connection-error.ts";
import { grpc } from "./grpc.ts";
import { checkNodeHealth, health } from "./health.ts";
import { https } from "./https.ts";
import { checkLimits } from "./limits.ts";
import { opamp } from "./opamp.ts";
import { redirect } from "./redirect.ts";
import { checkRenewal } from "./renewal.ts";
import { checkRestart } from "./restart.ts";
import { checkServed } from "./served.ts";
import { checkSetup } from "./setup.ts";
import { httpsPortOf, resolveTarget, skippedChecks, timeoutOf } from "./target.ts";
import {
    CHECK_NAMES,
    fail,
    warn,
    type Addresses,
    type Check,
    type CheckName,
    type CheckResult,
    type Family,
    type ResolvedTarget,
    type Target,
    type Verdict,
} from "./types.ts";
import { ui } from "./ui.ts";
import { validate } from "./validate.ts";

export * from "./types.ts";
export { InvalidTarget } from "./validate.ts";

export interface RunOptions {
    /** Names of the checks to run. Default: all. */
    only?: CheckName[];
    /** Called with each result, in the order of the returned list. */
    onResult?: (result: CheckResult) => void;
    /** How long a check that fails is tried again, once a second, in milliseconds. Default: 0, one attempt. */
    retryForMs?: number;
}

/** Run once for each address. The order is that of the results: what the others depend on comes first. */
const CHECKS: Check[] = [redirect, https, ui, certificate, opamp, agent, grpc, closed, health];

type MachineCheck = (target: Target) => Promise<Verdict>;

const setup: MachineCheck = (target) => checkSetup(target.ssh!, timeoutOf(target));

/** Run on the machine over SSH, so skipped without `ssh`. */
const MACHINE_CHECKS: Partial<Record<CheckName, MachineCheck>> = {
    renewal: (target: Target) => checkRenewal(target.ssh!, timeoutOf(target)),
    served: (target: Target) => checkServed(target.ssh!, target.host, httpsPortOf(target), timeoutOf(target)),
    restart: (target: Target) => checkRestart(target.ssh!, timeoutOf(target)),
    limits: (target: Target) => checkLimits(target.ssh!, timeoutOf(target)),
};

/** Run on each of several machines. */
const NODE_CHECKS: typeof MACHINE_CHECKS = {
    ...MACHINE_CHECKS,
    health: (target: Target) => checkNodeHealth(target.ssh!, timeoutOf(target)),
};

const RETRY_MS = 1_000;

/**
 * Runs the checks against each address of the target, all at once. A connection that fails is a result, not an exception.
 * What fails on a machine that is not set up yet has that as its hint.
 * If this computer has no route to one family, that family gets a warning as long as the other one can be checked.
 * @throws InvalidTarget
 */
export async function runChecks(target: Target, options: RunOptions = {}): Promise<CheckResult[]> {
    validate(target, options.only ?? []);
    const deadline = Date.now() + (options.retryForMs ?? 0);
    const skipped = skippedChecks(target);
    const wanted = (name: CheckName) => !skipped.has(name) && (options.only?.includes(name) ?? true);

    const { addresses, results: pending } = await findAddresses(target, deadline, options.only);
    const { reachable, unreachable } = await splitByRoute(addresses);
    pending.push(...unreachable.map((result) => Promise.resolve(result)));
    const ask = (ssh: string[], name?: string) => machine({ ...target, ssh }, wanted("setup"), deadline, name);
    const own = target.ssh && ask(target.ssh);
    const machines = [...(own ? [own] : []), ...(target.nodes ?? []).map(({ name, ssh }) => ask(ssh, name))];
    pending.push(...machines.flatMap((one) => one.setup ?? []));
    for (const check of CHECKS.filter(({ name }) => wanted(name))) {
        for (const one of reachable) {
            const result = attempt({ name: check.name, family: one.family }, deadline, () => check.run(one));
            const isOneOfSeveral = reachable.filter(({ family }) => family === one.family).length > 1;
            pending.push(explained(named(result, isOneOfSeveral ? one.address : undefined), own?.setup));
        }
    }
    for (const name of CHECK_NAMES.filter(wanted)) for (const one of machines) pending.push(...one.check(name));
    return inOrder(pending, options.onResult);
}

/** The checks on a machine. @param name of one of several, with which its results begin */
function machine(target: Target, asksSetup: boolean, deadline: number, name?: string) {
    const checks = name === undefined ? MACHINE_CHECKS : NODE_CHECKS;
    const ask = (check: CheckName, run: MachineCheck) =>
        named(
            attempt({ name: check }, deadline, () => run(target)),
            name,
        );
    const isSetUp = asksSetup ? ask("setup", setup) : undefined;
    const check = (wanted: CheckName) => {
        const run = checks[wanted];
        return run ? [explained(ask(wanted, run), isSetUp)] : [];
    };
    return { setup: isSetUp, check };
}

async function named(result: Promise<CheckResult>, name: string | undefined): Promise<CheckResult> {
    const found = await result;
    return name === undefined ? found : { ...found, detail: `${name}: ${found.detail}` };
}

async function explained(result: Promise<CheckResult>, setup?: Promise<CheckResult>): Promise<CheckResult> {
    const found = await result;
    if (found.status === "ok" || (await setup)?.hint !== UNFINISHED) return found;
    return { ...found, hint: UNFINISHED };
}

/** The addresses to check, and the check "addresses" if DNS is asked. */
async function findAddresses(target: Target, deadline: number, only: CheckName[] | undefined) {
    let ipv4 = target.ipv4;
    let ipv6 = target.ipv6 || undefined;
    const results: Promise<CheckResult>[] = [];
    const useDns = ipv4 === undefined && ipv6 === undefined && !target.balancer;
    if (useDns || (only?.includes("addresses") ?? target.dns !== undefined)) {
        let records: Records = new Map();
        const result = attempt({ name: "addresses" }, deadline, async () => {
            records = await lookUp(target).catch(dnsError);
            return judgeAddresses(target, records);
        });
        results.push(result);
        if (useDns) {
            await result;
            ipv4 = records.get(target.host)?.ipv4[0];
            ipv6 = target.ipv6 === false ? undefined : records.get(target.host)?.ipv6[0];
        }
    }
    const all: Addresses = target.balancer ?? { ipv4: list(ipv4), ipv6: list(ipv6) };
    const addresses = (["ipv4", "ipv6"] as const).flatMap((family) =>
        all[family].map((address) => resolveTarget(target, family, address)),
    );
    return { addresses, results };
}

async function splitByRoute(addresses: ResolvedTarget[]) {
    const routed = await Promise.all(addresses.map(({ address }) => hasRoute(address)));
    const reachable = addresses.filter((_, index) => routed[index]);
    const verdict = reachable.length === 0 ? fail : warn;
    const none = (family: Family) => addresses.filter((one, index) => one.family === family && !routed[index]);
    const unreachable = (["ipv4", "ipv6"] as const)
        .filter((family) => none(family).length > 0)
        .map((family): CheckResult => {
            const label = family === "ipv4" ? "IPv4" : "IPv6";
            const where = none(family).map(({ address }) => address);
            const detail = `this computer has no ${label} route to ${where.join(", ")}, so nothing was checked over ${label}`;
            return { name: "addresses", family, ms: 0, ...verdict(detail, NO_ROUTE) };
        });
    return { reachable, unreachable };
}

async function inOrder(
    pending: Promise<CheckResult>[],
    onResult: (result: CheckResult) => void = () => {},
): Promise<CheckResult[]> {
    // They are awaited one by one: one that throws early must not count as unhandled meanwhile.
    for (const result of pending) result.catch(() => {});
    const results: CheckResult[] = [];
    for (const promise of pending) {
        const result = await promise;
        results.push(result);
        onResult(result);
    }
    return results;
}

async function attempt(
    what: Pick<CheckResult, "name" | "family">,
    deadline: number,
    run: () => Promise<Verdict>,
): Promise<CheckResult> {
    for (;;) {
        const start = Date.now();
        const verdict = await run().catch((error: unknown) => {
            if (error instanceof ConnectionError) return fail(error.message, error.hint);
            throw error;
        });
        const ms = Date.now() - start;
        if (verdict.status !== "fail" || Date.now() + RETRY_MS > deadline) return { ...what, ...verdict, ms };
        await sleep(RETRY_MS);
    }
}

/** Connecting a datagram socket asks the kernel for a route without sending anything. */
function hasRoute(address: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
        const settle = (routed: boolean) => {
            socket.close();
            resolve(routed);
        };
        socket.once("error", () => settle(false));
        socket.connect(443, address, (error?: Error) => settle(error === undefined));
    });
}

function dnsError(error: NodeJS.ErrnoException): never {
    throw new ConnectionError(`the name servers do not answer (${error.code ?? error.message})`, RESOLVER_DOWN);
}
