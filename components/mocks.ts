import * as pulumi from "@pulumi/pulumi";

/** Whether the program runs against the SDK's mocks: there is nothing to connect to, and a hook would be waited for for ever. */
export function isMocked(): boolean {
    return !("registerResourceHook" in (pulumi.runtime.getMonitor() ?? {}));
}
