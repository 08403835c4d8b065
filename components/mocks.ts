import * as pulumi from "@pulumi/pulumi";

/** Whether the program runs against the SDK's mocks. Then there is nothing to connect to, and waiting for a hook never ends. */
export function isMocked(): boolean {
    return !("registerResourceHook" in (pulumi.runtime.getMonitor() ?? {}));
}
