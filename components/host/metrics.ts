import { NAMESPACE } from "../metrics.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Lets the machine run for months unattended, and removes what the step metrics has installed when it is off. */
export function upkeep({ region }: HostContext): StepOptions {
    return { variables: { METRICS: region === undefined ? "" : "yes" } };
}

/** The machine reports how it is to CloudWatch. Only with alarms. */
export function metrics({ region, owner }: HostContext): StepOptions | undefined {
    if (region === undefined) return undefined;
    return {
        variables: { REGION: region, NAMESPACE, STACK: owner },
        files: { "push-metrics.sh": readFile("machine/push-metrics.sh") },
    };
}
