import type { CloudReconciler } from "../cloud/store.ts";
import type { Lab } from "../lab.ts";
import type { Caller } from "./aws/rights/caller.ts";
import { type Package, makeProvider } from "./packages.ts";
import { packageVersion } from "./plugins.ts";
import { type ProviderServer, serve } from "./server.ts";

export { PACKAGES, type Package } from "./packages.ts";
export { linkPlugins, realPlugins, writePlugins } from "./plugins.ts";

export interface RunningProviders {
    /** Value for PULUMI_DEBUG_PROVIDERS: "aws:41001,command:41002". */
    debugProviders: string;
    stop(): Promise<void>;
}

/** Serves stand-ins inside this process. The engine finds them by PULUMI_DEBUG_PROVIDERS. */
export async function startProviders(options: {
    lab: Lab;
    reconciler: CloudReconciler;
    packages: readonly Package[];
    /** Whose rights on AWS apply. Without it everything is allowed. */
    caller?: Caller;
}): Promise<RunningProviders> {
    const { lab, reconciler, packages, caller } = options;
    const running: { name: Package; server: ProviderServer }[] = [];
    const stop = () => {
        for (const { server } of running) server.stop();
        return Promise.resolve();
    };
    try {
        for (const name of packages) {
            const server = await serve(makeProvider(name, lab, reconciler, caller), { version: packageVersion(name) });
            running.push({ name, server });
        }
    } catch (error) {
        await stop();
        throw error;
    }
    return { debugProviders: running.map(({ name, server }) => `${name}:${server.port}`).join(","), stop };
}
