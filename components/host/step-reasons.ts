import { AsyncResource } from "node:async_hooks";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";
import { type MachineName, machineTitle, stepTitle } from "./node-name.ts";
import { type Parts, readParts } from "./render/step.ts";

/** The inputs that decide whether a step runs again. A property is undefined if the preview does not know it. */
export interface StepInputs {
    readonly stdin?: string;
    readonly connection?: Readonly<Record<string, unknown>>;
}

/** The names of the parts that differ between two texts of a step. Pure. */
export function changedParts(old: Parts, now: Parts): string[] {
    const removed = [...old.keys()].filter((part) => !now.has(part)).map((part) => `${part} (removed)`);
    const changed = [...now].flatMap(([part, value]) => {
        if (!old.has(part)) return [`${part} (added)`];
        return old.get(part) === value ? [] : [part];
    });
    return [...changed, ...removed];
}

/** Why a step runs again. */
export interface Reasons {
    /** Whether the connection to the machine changes, so that all steps run. */
    readonly connection: boolean;
    /** What changes in the step itself. */
    readonly own: readonly string[];
}

/** Why a step runs again on the same machine. Pure. */
export function reasonsOf(old: StepInputs, now: StepInputs): Reasons {
    const connection = !isDeepStrictEqual(sharedConnection(old), sharedConnection(now));
    if (now.stdin === undefined) return { connection, own: ["values that only the update knows"] };
    const own = changedParts(readParts(old.stdin ?? ""), readParts(now.stdin));
    return { connection, own: own.length > 0 || connection ? own : ["its command or connection"] };
}

/** The connection without the number of attempts, which differs between steps. */
function sharedConnection({ connection }: StepInputs) {
    return connection && { ...connection, dialErrorLimit: undefined };
}

/**
 * Logs in a preview why each step runs again, which the CLI shows only in part, and not at all for a secret step. An update
 * logs nothing, because it begins with a preview.
 * @returns a hook to run before each step's update.
 */
export function reasonHook(machine: MachineName, parent: pulumi.Resource): pulumi.ResourceHook | undefined {
    if (isMocked() || !pulumi.runtime.isDryRun()) return undefined;
    let connectionLogged = false;
    const explain = async ({ name, oldInputs = {}, newInputs = {} }: pulumi.ResourceHookArgs) => {
        const { connection, own } = reasonsOf(await readInputs(oldInputs), await readInputs(newInputs));
        if (connection && !connectionLogged) {
            connectionLogged = true;
            await pulumi.log.info(`the connection to ${machineTitle(machine)} changes: all steps run`, parent);
        }
        if (own.length === 0) return;
        const title = stepTitle(machine, name.slice(machine.prefix.length + 1));
        await pulumi.log.info(`step ${title} runs again: ${own.join(", ")}`, parent);
    };
    // Bound to this run of the program, like the hooks of step-hooks.ts.
    const bound = AsyncResource.bind(explain);
    return new pulumi.ResourceHook(`${machine.prefix}-reasons`, bound, { onDryRun: true, ignoreErrors: true });
}

/** Logs in a preview that the machine is replaced, so that all steps run. */
export function announceNewMachine(
    machine: MachineName,
    instance: pulumi.Resource & { id: pulumi.Output<string> },
    hostKey: pulumi.Input<string>,
    parent: pulumi.Resource,
): void {
    if (isMocked() || !pulumi.runtime.isDryRun()) return;
    // In a stack's first preview the host key is unknown, too, so the callback does not run.
    pulumi.output(hostKey).apply(async () => {
        if ((await knownValue(instance.id)) === undefined)
            await pulumi.log.info(`${machineTitle(machine)} is new: all steps run`, parent);
    });
}

async function readInputs({ stdin, connection }: Record<string, unknown>): Promise<StepInputs> {
    return {
        stdin: (await knownValue(stdin)) as string | undefined,
        connection: (await knownValue(connection)) as StepInputs["connection"],
    };
}

/** The value of an input, secret or not; undefined if the preview does not know it. */
async function knownValue(input: unknown): Promise<unknown> {
    let value: unknown;
    const read = pulumi.output(input as object).apply((known) => (value = known));
    // Resolves after the callback above has run or has been skipped.
    await pulumi.isSecret(read);
    return plain(value);
}

/** A secret connection is wrapped twice, and the SDK unwraps it once. */
function plain(value: unknown): unknown {
    return pulumi.runtime.isRpcSecret(value) ? plain(pulumi.runtime.unwrapRpcSecret(value)) : value;
}
