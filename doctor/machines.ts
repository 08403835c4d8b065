import { ConnectionError } from "../checks/connection-error.ts";
import type { Report } from "../checks/report.ts";
import { readStack, type StackOptions } from "../checks/stack.ts";
import { UsageError } from "../checks/usage-error.ts";
import { examine, type Options } from "./index.ts";

/** Looks at the machine of each proxy of a stack. @throws UsageError if one has no machine, or nobody can log in */
export async function examineStack(stack: StackOptions, options: Options): Promise<Report[]> {
    const machines = await readStack(stack);
    try {
        const reports: Report[] = [];
        for (const { target, paused, ssh, whyNoSsh } of machines) {
            if (paused)
                throw new UsageError(
                    `${target.host} is paused and has no machine: pulumi config set paused false && pulumi up brings it back.`,
                );
            if (!ssh) throw new UsageError(`nobody can log in to ${target.host}: ${whyNoSsh}.`);
            reports.push({ ...(await examineOver(ssh, options)), host: target.host });
        }
        return reports;
    } finally {
        for (const { dispose } of machines) dispose();
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
