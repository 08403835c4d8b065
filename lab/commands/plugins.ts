import { join } from "node:path";
import { PACKAGES, type Package, linkPlugins, realPlugins } from "../providers/index.ts";

/** aws is always the stand-in: the real plugin would look for an account. */
const REAL_ALLOWED: readonly Package[] = ["command", "tls"];

/** The packages for which the lab's stand-ins are used, because the real plugin is not installed. */
export function standInPackages(): Package[] {
    const real = realPlugins(REAL_ALLOWED);
    return PACKAGES.filter((name) => !real.includes(name));
}

/** Makes the real plugins that the user has installed known to the lab's own Pulumi home. */
export function linkRealPlugins(home: string): void {
    linkPlugins(join(home, "plugins"), REAL_ALLOWED);
}
