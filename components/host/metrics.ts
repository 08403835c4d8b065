import { NAMESPACE } from "../metrics.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** The machine reports how it is to CloudWatch. Only with alarms. */
export function metrics({ settings, region, owner }: HostContext): StepOptions | undefined {
    if (settings.alarms.length === 0 || region === undefined) return undefined;
    return {
        variables: { REGION: region, NAMESPACE, STACK: owner },
        files: { "push-metrics.sh": readFile("machine/push-metrics.sh") },
    };
}
