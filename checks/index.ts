import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { agent } from "./agent.ts";
import { judgeAddresses, lookUp, type Records } from "./addresses.ts";
import { certificate } from "./certificate.ts";
import { closed } from "./closed.ts";
import { ConnectionError } from "./connection-error.ts";
import { grpc } from "./grpc.ts";
import { https } from "./https.ts";
import { checkLimits } from "./limits.ts";
import { opamp } from "./opamp.ts";
import { redirect } from "./redirect.ts";
import { checkRenewal } from "./renewal.ts";
import { checkRestart } from "./restart.ts";
import { checkServed } from "./served.ts";
import { resolveTarget, skippedChecks, timeoutOf } from "./target.ts";
import { fail, warn, type Check, type CheckName, type CheckResult, type Target, type Verdict } from "./types.ts";
import { ui } from "./ui.ts";
import { validate } from "./validate.ts";

export * from "./types.ts";
export { InvalidTarget } from "./validate.ts";

export interface RunOptions {
    /** Names of the checks to run. Default: all. */
    only?: CheckName[];
    /** Called with each result as soon as it and those before it are known, in the order of the returned list. */
    onResult?: (result: CheckResult) => void;
    /** Try again what fails, once a second, for as long as this; in milliseconds. Default: 0, one attempt. */
    patience?: number;
}

/** One per address. The order is that of the results: first what the others stand on. */
const CHECKS: Check[] = [redirect, https, ui, certificate, opamp, agent, grpc, closed];

/** What only the machine knows: left out without a way to it. */
const MACHINE_CHECKS = {
    renewal: (target: Target) => checkRenewal(target.ssh!, timeoutOf(target)),
    served: (target: Target) => checkServed(target.ssh!, target.host, target.httpsPort ?? 443, timeoutOf(target)),
    restart: (target: Target) => checkRestart(target.ssh!, timeoutOf(target)),
    limits: (target: Target) => checkLimits(target.ssh!, timeoutOf(target)),
} satisfies Partial<Record<CheckName, (target: Target) => Promise<Verdict>>>;

const RETRY_MS = 1_000;

/**
 * Runs the checks against each address of the target, all at once. Connections that fail are results, not exceptions.
 * A family that this machine has no route for is a warning as long as the other one can be checked.
 * @throws InvalidTarget
 */
export async function runChecks(target: Target, options: RunOptions = {}): Promise<CheckResult[]> {
    validate(target, options.only ?? []);
    const giveUp = Date.now() + (options.patience ?? 0);
    const out = skippedChecks(target);
    const wanted = (name: CheckName) => !out.has(name) && (options.only?.includes(name) ?? true);

    const pending: Promise<CheckResult>[] = [];
    let ipv4 = target.ipv4;
    let ipv6 = target.ipv6 || undefined;
    const askDns = ipv4 === undefined && ipv6 === undefined;
    if (askDns || target.dns !== undefined || options.only?.includes("addresses")) {
        let found: Records = new Map();
        const result = attempt({ name: "addresses" }, giveUp, async () => {
            found = await lookUp(target).catch(dnsError);
            return judgeAddresses(target, found);
        });
        if (askDns) {
            await result;
            ipv4 = found.get(target.host)?.ipv4[0];
            ipv6 = target.ipv6 === false ? undefined : found.get(target.host)?.ipv6[0];
        }
        pending.push(result);
    }

    const endpoints = [
        ...(ipv4 === undefined ? [] : [resolveTarget(target, "ipv4", ipv4)]),
        ...(ipv6 === undefined ? [] : [resolveTarget(target, "ipv6", ipv6)]),
    ];
    const routed = await Promise.all(endpoints.map((one) => hasRoute(one.address)));
    const reachable = endpoints.filter((_, index) => routed[index]);
    for (const one of endpoints.filter((one) => !reachable.includes(one))) {
        const kind = one.family === "ipv4" ? "IPv4" : "IPv6";
        const verdict = reachable.length === 0 ? fail : warn;
        const detail = `this machine has no ${kind} route to ${one.address}, so nothing was checked over ${kind}`;
        pending.push(Promise.resolve({ name: "addresses", family: one.family, ms: 0, ...verdict(detail) }));
    }
    for (const check of CHECKS.filter(({ name }) => wanted(name))) {
        for (const one of reachable) {
            pending.push(attempt({ name: check.name, family: one.family }, giveUp, () => check.run(one)));
        }
    }

    for (const [name, ask] of Object.entries(MACHINE_CHECKS) as [CheckName, (target: Target) => Promise<Verdict>][]) {
        if (wanted(name)) pending.push(attempt({ name }, giveUp, () => ask(target)));
    }

    // They are awaited one by one below: one that throws early must not count as unhandled meanwhile.
    for (const result of pending) result.catch(() => {});
    const results: CheckResult[] = [];
    for (const result of pending) {
        results.push(await result);
        options.onResult?.(results.at(-1)!);
    }
    return results;
}

async function attempt(
    what: Pick<CheckResult, "name" | "family">,
    giveUp: number,
    run: () => Promise<Verdict>,
): Promise<CheckResult> {
    for (;;) {
        const start = Date.now();
        const verdict = await run().catch((error: unknown) => {
            if (error instanceof ConnectionError) return fail(error.message, error.hint);
            throw error;
        });
        const ms = Date.now() - start;
        if (verdict.status !== "fail" || Date.now() + RETRY_MS > giveUp) return { ...what, ...verdict, ms };
        await sleep(RETRY_MS);
    }
}

/** Whether the kernel knows a way. Connecting a datagram socket asks it without sending anything. */
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
    throw new ConnectionError(
        `the name servers do not answer (${error.code ?? error.message})`,
        "check the resolver of this machine",
    );
}
