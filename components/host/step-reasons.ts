import { AsyncResource } from "node:async_hooks";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";
import { type Parts, readParts } from "./render/step.ts";

/** What decides whether a step runs again; a property is undefined if the preview does not know it. */
export interface StepInputs {
    readonly stdin?: string;
    readonly connection?: Readonly<Record<string, unknown>>;
}

/** The parts of a step's text that differ, as words; empty if none does. Pure. */
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
    /** The way to the machine differs, which makes all steps run. */
    readonly connection: boolean;
    /** What differs of the step itself, as words. */
    readonly own: readonly string[];
}

/** Why a step runs again on the machine on which it ran. Pure. */
export function reasonsOf(old: StepInputs, now: StepInputs): Reasons {
    const connection = !isDeepStrictEqual(sharedConnection(old), sharedConnection(now));
    if (now.stdin === undefined) return { connection, own: ["values that only the update knows"] };
    const own = changedParts(readParts(old.stdin ?? ""), readParts(now.stdin));
    return { connection, own: own.length > 0 || connection ? own : ["its command"] };
}

/** Without the number of tries, which is the step's own. */
function sharedConnection({ connection }: StepInputs) {
    return connection && { ...connection, dialErrorLimit: undefined };
}

/**
 * Says in a preview why each step runs again, which the CLI shows in part, and of a secret step not at all. An update
 * says nothing: it begins with a preview.
 * @param host the name that the steps' resources begin with.
 * @returns what has to run before each step's update.
 */
export function reasonHook(host: string, parent: pulumi.Resource): pulumi.ResourceHook | undefined {
    if (isMocked() || !pulumi.runtime.isDryRun()) return undefined;
    let saidConnection = false;
    const explain = async ({ name, oldInputs = {}, newInputs = {} }: pulumi.ResourceHookArgs) => {
        const { connection, own } = reasonsOf(await readInputs(oldInputs), await readInputs(newInputs));
        if (connection && !saidConnection) {
            saidConnection = true;
            await pulumi.log.info("the connection to the machine changes: all steps run", parent);
        }
        if (own.length === 0) return;
        await pulumi.log.info(`step ${name.slice(host.length + 1)} runs again: ${own.join(", ")}`, parent);
    };
    // Bound to this run, as the hooks of step-hooks.ts are.
    const bound = AsyncResource.bind(explain);
    return new pulumi.ResourceHook(`${host}-reasons`, bound, { onDryRun: true, ignoreErrors: true });
}

/** Says in a preview that a machine is new where the stack had one: the engine then replaces all steps. */
export function announceNewMachine(
    machine: pulumi.Resource & { id: pulumi.Output<string> },
    hostKey: pulumi.Input<string>,
    parent: pulumi.Resource,
): void {
    if (isMocked() || !pulumi.runtime.isDryRun()) return;
    // In a stack's first preview the host key is unknown, too: everything is new there, and nothing is said.
    pulumi.output(hostKey).apply(async () => {
        if ((await knownValue(machine.id)) === undefined)
            await pulumi.log.info("the machine is new: all steps run", parent);
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
    // Settled once the function above has run or was left out.
    await pulumi.isSecret(read);
    return plain(value);
}

/** The provider wraps a connection that is a secret once more, and the SDK unwraps it once. */
function plain(value: unknown): unknown {
    return pulumi.runtime.isRpcSecret(value) ? plain(pulumi.runtime.unwrapRpcSecret(value)) : value;
}
