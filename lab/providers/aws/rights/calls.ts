import { ProviderError } from "../../provider.ts";
import type { CallTable, CallText, Calls } from "./call.ts";
import { EC2_CALLS } from "./ec2.ts";
import { OTHER_CALLS } from "./others.ts";

export { FUNCTION_CALLS } from "./functions.ts";

/** The calls for every resource type that the lab has. */
export const RESOURCE_CALLS: CallTable = { ...EC2_CALLS, ...OTHER_CALLS };

export type Operation = keyof Calls;

/** The calls of an operation; of an update those for the properties that change in place. */
export function callsFor(type: string, operation: Operation, changed: readonly string[] = []): CallText[] {
    const calls = RESOURCE_CALLS[type]!;
    if (operation === "read") return [...calls.read];
    // What is made or deleted is read until it is there or gone.
    if (operation !== "update") return [...calls[operation], ...calls.read];
    const unknown = changed.find((name) => calls.update[name] === undefined);
    if (unknown !== undefined) {
        throw new ProviderError(
            `lab/providers/aws/rights has no list of AWS's calls for a change of ${unknown} of ${type}`,
        );
    }
    return [...changed.flatMap((name) => calls.update[name]!), ...calls.read];
}
