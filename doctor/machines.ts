import { ConnectionError } from "../checks/connection-error.ts";
import { isOk, type Report } from "../checks/types.ts";
import { readStack, type StackOptions, type StackTarget } from "../checks/stack.ts";
import { fail, warn, type Verdict } from "../checks/types.ts";
import { forSelection } from "../checks/selection.ts";
import { UsageError } from "../checks/usage-error.ts";
import { examine, type Options } from "./index.ts";

export interface Examined extends Report {
    /** There is a machine, and nobody could look at it. */
    unseen?: true;
}

export const EXIT_STATUS =
    "0 if nothing is wrong (warnings are possible), 1 if something is, 2 if nobody could look at a machine.";

/** As {@link EXIT_STATUS} says. */
export function exitCodeOf(reports: readonly Examined[]): number {
    return reports.some(({ unseen }) => unseen) ? 2 : reports.every(isOk) ? 0 : 1;
}

/** Looks at the machine of each proxy of a stack. One that cannot be looked at hides none of the others. */
export async function examineStack(stack: StackOptions, options: Options): Promise<Examined[]> {
    const machines = await readStack(stack);
    try {
        const reports: Examined[] = [];
        for (const machine of machines.flatMap(eachNode)) {
            const report = await examineMachine(machine, options);
            const results = report.results.map(({ hint, ...finding }) => ({
                ...finding,
                hint: hint === undefined ? undefined : forSelection(hint, stack),
            }));
            reports.push({ ...report, results });
        }
        return reports;
    } finally {
        for (const { dispose } of machines) dispose();
    }
}

/** A proxy for each of several machines, with the machine's name after the host's. */
function eachNode(proxy: StackTarget): StackTarget[] {
    const { target } = proxy;
    if (!target.nodes) return [proxy];
    return target.nodes.map(({ name, ssh }) => ({
        ...proxy,
        ssh,
        target: { ...target, host: `${target.host} ${name}` },
    }));
}

/** Looks at the machine of a proxy. If nobody can, that is a finding. */
export async function examineMachine(
    { target, paused, scheduled, ssh, whyNoSsh }: StackTarget,
    options: Options,
): Promise<Examined> {
    const { host } = target;
    const machine = (verdict: Verdict) => ({ host, results: [{ name: "machine", ...verdict }] });
    if (paused) {
        const resume = "pulumi config set paused false && pulumi up";
        return machine(warn("the stack is paused and has no machine: nothing was looked at", resume));
    }
    if (!ssh) return { ...machine(fail("nobody can log in, so nothing was looked at", whyNoSsh)), unseen: true };
    try {
        return { ...(await examine(ssh, { scheduled, ...options })), host };
    } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        return { ...machine(fail(`nothing was looked at: ${error.message}`, error.hint)), unseen: true };
    }
}

/** As {@link examine}. @throws UsageError if nobody can log in */
export async function examineOver(ssh: string[], options: Options): Promise<Report> {
    try {
        return await examine(ssh, options);
    } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        throw new UsageError([error.message, error.hint].filter(Boolean).join(": "));
    }
}
