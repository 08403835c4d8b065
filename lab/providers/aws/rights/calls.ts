import { ProviderError } from "../../provider.ts";
import type { CallTable, CallText, Calls } from "./call.ts";
import { BALANCING_CALLS } from "./balancing.ts";
import { EC2_CALLS } from "./ec2.ts";
import { OTHER_CALLS } from "./others.ts";

export { FUNCTION_CALLS } from "./functions.ts";

/** The calls for every resource type of the lab. */
export const RESOURCE_CALLS: CallTable = { ...EC2_CALLS, ...OTHER_CALLS, ...BALANCING_CALLS };

export type Operation = keyof Calls;

/** The calls of an operation; for an update, those of the changed properties. */
export function callsFor(type: string, operation: Operation, changed: readonly string[] = []): CallText[] {
    const calls = RESOURCE_CALLS[type]!;
    if (operation === "read") return [...calls.read];
    // The provider reads a resource until it exists or is gone.
    if (operation !== "update") return [...calls[operation], ...calls.read];
    const unknown = changed.find((name) => calls.update[name] === undefined);
    if (unknown !== undefined) {
        throw new ProviderError(
            `lab/providers/aws/rights has no list of AWS's calls for a change of ${unknown} of ${type}`,
        );
    }
    return [...changed.flatMap((name) => calls.update[name]!), ...calls.read];
}
