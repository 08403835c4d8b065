import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PACKAGES, type Package, realPlugins } from "../providers/index.ts";

/** aws is always the stand-in: the real plugin would look for an account. */
const REAL_ALLOWED: readonly Package[] = ["command", "tls"];

/** The packages for which the lab's stand-ins are used, because the real plugin is not installed. */
export function standInPackages(): Package[] {
    const real = realPlugins(REAL_ALLOWED);
    return PACKAGES.filter((name) => !real.includes(name));
}

/** Makes the real plugins that the user has installed known to the lab's own Pulumi home. */
export function linkRealPlugins(home: string): void {
    const installed = join(process.env.PULUMI_HOME || join(homedir(), ".pulumi"), "plugins");
    const standIns = standInPackages();
    const own = join(home, "plugins");
    if (!existsSync(installed) || installed === own) return;
    for (const entry of readdirSync(installed)) {
        const name = /^resource-(\w+)-v[\d.]+$/.exec(entry)?.[1] as Package | undefined;
        if (!name || !REAL_ALLOWED.includes(name) || standIns.includes(name)) continue;
        mkdirSync(own, { recursive: true });
        rmSync(join(own, entry), { recursive: true, force: true });
        symlinkSync(join(installed, entry), join(own, entry));
    }
}
