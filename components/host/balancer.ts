import { HEALTH_PATH } from "../health.ts";
import type { HostContext } from "./context.ts";
import { readFile } from "./render/script.ts";
import type { StepOptions } from "./ssh-host.ts";

/** What only a machine behind a load balancer has. */
export function node({ settings, owner, balancer }: HostContext): StepOptions | undefined {
    if (!balancer) return undefined;
    return {
        variables: { DOMAIN: settings.domain, OWNER: owner, DRAIN_SECONDS: String(balancer.drainSeconds) },
        files: { "drain.sh": readFile("machine/drain.sh") },
    };
}

/** Waits until the load balancer sends to the machine. */
export function inService({ balancer }: HostContext): StepOptions | undefined {
    if (!balancer) return undefined;
    return {
        variables: { HEALTH_PATH, DRAIN_SECONDS: String(balancer.drainSeconds) },
        files: { "ask_as_balancer.py": readFile("ask_as_balancer.py") },
        // Whatever a step changes, the next machine has to wait for this one.
        followsAll: true,
    };
}
