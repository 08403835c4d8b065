import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, labCacheDir, labRoot } from "../lab.ts";
import { PACKAGES, type Package } from "./packages.ts";
import type { PluginSettings } from "./plugin.ts";

/** Marks a directory whose plugin is one of ours, so that it is not taken for the real one. */
const MARKER = "linkmesh-lab-stand-in";

const require = createRequire(import.meta.url);

/** Version of the SDK in node_modules, which is the version of the plugin that the engine asks for. */
export function packageVersion(name: Package): string {
    return (require(`@pulumi/${name}/package.json`) as { version: string }).version;
}

/** Which of these packages have their real plugin on PATH or installed in the version that the program needs. */
export function realPlugins(names: readonly Package[]): Package[] {
    const home = process.env.PULUMI_HOME || join(homedir(), ".pulumi");
    const path = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
    return names.filter((name) => {
        const installed = pluginDir(join(home, "plugins"), name);
        return [...path, installed].some(
            (dir) => existsSync(join(dir, executable(name))) && !existsSync(join(dir, MARKER)),
        );
    });
}

/**
 * Writes plugin executables for plain `pulumi` into a plugin directory (`$PULUMI_HOME/plugins`), where the engine finds
 * them by name and version and does not warn about them, as it does about plugins on PATH.
 *
 * They hold a bundle of the stand-ins and start in half the time that the sources take.
 */
export async function writePlugins(dir: string, lab: Lab, packages: readonly Package[] = PACKAGES): Promise<void> {
    const { build } = await import("esbuild");
    const bundle = join(dir, "linkmesh-lab-plugin.cjs");
    await build({
        entryPoints: [fileURLToPath(new URL("plugin.ts", import.meta.url))],
        outfile: bundle,
        bundle: true,
        platform: "node",
        target: "node20",
        format: "cjs",
        // Optional native parts of ssh2, which does without them.
        external: ["cpu-features", "*.node"],
        logLevel: "error",
    });
    for (const name of packages) {
        const settings: PluginSettings = {
            package: name,
            version: packageVersion(name),
            slot: lab.slot,
            labRoot: labRoot(),
            labCache: labCacheDir(),
            realizer: fileURLToPath(new URL("../cloud/realizer.ts", import.meta.url)),
            tsx: require.resolve("tsx/esm/api").replace(/\.cjs$/, ".mjs"),
        };
        const target = pluginDir(dir, name);
        await mkdir(target, { recursive: true });
        await writeFile(join(target, MARKER), "Written by `npm run lab -- env`.\n");
        const command = [process.execPath, bundle, JSON.stringify(settings)].map(quote).join(" ");
        const script = `#!/bin/sh\nexec ${command} "$@"\n`;
        await writeFile(join(target, executable(name)), script, { mode: 0o755 });
    }
}

function pluginDir(plugins: string, name: Package): string {
    return join(plugins, `resource-${name}-v${packageVersion(name)}`);
}

function executable(name: Package): string {
    return `pulumi-resource-${name}`;
}

function quote(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
}
