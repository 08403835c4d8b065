import { NAMESPACE } from "../metrics.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** The machine reports how it is to CloudWatch. Only with alarms. */
export function metrics({ region, owner }: HostContext): StepOptions | undefined {
    if (region === undefined) return undefined;
    return {
        variables: { REGION: region, NAMESPACE, STACK: owner },
        files: { "push-metrics.sh": readFile("machine/push-metrics.sh") },
    };
}
