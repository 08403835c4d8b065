import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";
import { explainConnectionError } from "./connection-errors.ts";
import { type MachineName, stepTitle } from "./node-name.ts";

/** The warnings in a step's output. */
export function warningsIn(output: unknown): string[] {
    if (typeof output !== "string") return [];
    return output.split("\n").flatMap((line) => /^warning: (.*)/.exec(line)?.[1] ?? []);
}

/**
 * Whether a failed step is tried a second time. While the machine boots, it restarts sshd, which cuts connections. Through a
 * bastion, the provider then repeats its attempts on the connection that was cut.
 * @param errors the newest first.
 */
export function shouldRetry(errors: readonly string[]): boolean {
    return errors.length === 1 && /^(error: )?proxy: .*ssh: handshake failed: (EOF|read)/.test(errors[0]!);
}

/**
 * Logs what the CLI does not show: a step's warnings, and why it cannot connect. The messages are logged for the parent,
 * because the step's own URN is known only after the hook.
 * @param secret whether the step's output may contain a secret, so that its warnings are not shown.
 */
export function stepHooks(machine: MachineName, step: string, secret: boolean, parent: pulumi.Resource) {
    if (isMocked()) return {};
    const name = `${machine.prefix}-${step}`;
    const title = stepTitle(machine, step);
    // Bound to this run of the program: the SDK calls hooks outside of its async context, where a process with several runs
    // finds no engine.
    const warn = AsyncResource.bind(async ({ newOutputs }: pulumi.ResourceHookArgs) => {
        for (const warning of warningsIn(newOutputs?.stdout))
            await pulumi.log.warn(`step ${title}: ${warning}`, parent);
    });
    const explain = AsyncResource.bind(async ({ errors }: pulumi.ErrorHookArgs) => {
        if (shouldRetry(errors)) return true;
        const explanation = explainConnectionError(errors[0] ?? "");
        if (explanation !== undefined) await pulumi.log.error(`step ${title}: ${explanation}`, parent);
        return false;
    });
    const onError = [new pulumi.ErrorHook(`${name}-error`, explain)];
    if (secret) return { onError };
    const after = [new pulumi.ResourceHook(`${name}-warnings`, warn, { ignoreErrors: true })];
    return { onError, afterCreate: after, afterUpdate: after };
}
