import { join } from "node:path";
import { PACKAGES, type Package, linkPlugins, realPlugins } from "../providers/index.ts";

/** Packages whose real plugin may be used. aws is always a stand-in, because the real plugin needs an account. */
const REAL_ALLOWED: readonly Package[] = ["command", "tls"];

/** The packages for which the lab's stand-ins are used, because the real plugin is not installed. */
export function standInPackages(): Package[] {
    const real = realPlugins(REAL_ALLOWED);
    return PACKAGES.filter((name) => !real.includes(name));
}

/** Links the user's installed plugins into the lab's Pulumi home. */
export function linkRealPlugins(home: string): void {
    linkPlugins(join(home, "plugins"), REAL_ALLOWED);
}
