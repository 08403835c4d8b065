import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, labCacheDir, labRoot } from "../lab.ts";
import { PACKAGES, type Package } from "./packages.ts";
import type { PluginSettings } from "./plugin.ts";

/** Marks a directory whose plugin is one of ours, so that it is not taken for the real one. */
export const MARKER = "linkmesh-lab-stand-in";

const require = createRequire(import.meta.url);

/** Version of the SDK in node_modules, which is the version of the plugin that the engine asks for. */
export function packageVersion(name: Package): string {
    return (require(`@pulumi/${name}/package.json`) as { version: string }).version;
}

/** Which of these packages have their real plugin on PATH or installed in the version that the program needs. */
export function realPlugins(names: readonly Package[]): Package[] {
    const path = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
    return names.filter((name) => [...path, installedPlugin(name)].some((dir) => isReal(dir, name)));
}

/**
 * Makes the plugins that the user has installed known in another plugin directory, as a directory of links to their
 * files: the engine skips a directory that is a link itself, and what is written to one goes into the user's.
 */
export function linkPlugins(dir: string, names: readonly Package[]): void {
    for (const name of names) {
        const installed = installedPlugin(name);
        const target = pluginDir(dir, name);
        if (installed === target) continue;
        if (!isStandIn(target)) rmSync(target, { recursive: true, force: true });
        if (!isReal(installed, name)) continue;
        rmSync(target, { recursive: true, force: true });
        mkdirSync(target, { recursive: true });
        for (const file of readdirSync(installed)) symlinkSync(join(installed, file), join(target, file));
    }
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
            reconciler: fileURLToPath(new URL("../cloud/reconciler.ts", import.meta.url)),
            tsx: require.resolve("tsx/esm/api").replace(/\.cjs$/, ".mjs"),
        };
        const target = pluginDir(dir, name);
        // It may lead to a plugin of the user's.
        if (!isStandIn(target)) rmSync(target, { recursive: true, force: true });
        await mkdir(target, { recursive: true });
        await writeFile(join(target, MARKER), "Written by `npm run lab -- env`.\n");
        const command = [process.execPath, bundle, JSON.stringify(settings)].map(quote).join(" ");
        const script = `#!/bin/sh\nexec ${command} "$@"\n`;
        await writeFile(join(target, executable(name)), script, { mode: 0o755 });
    }
}

/** Where the user's Pulumi has the real plugin, if it has one. */
function installedPlugin(name: Package): string {
    return pluginDir(join(process.env.PULUMI_HOME || join(homedir(), ".pulumi"), "plugins"), name);
}

/** The engine marks an installation that has not ended by a file beside the directory. */
function isReal(dir: string, name: Package): boolean {
    return (
        [join(dir, MARKER), `${dir}.partial`].every((file) => !existsSync(file)) &&
        existsSync(join(dir, executable(name)))
    );
}

/** Whether all in this directory is ours: none of it is a link. */
function isStandIn(dir: string): boolean {
    return lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === true && existsSync(join(dir, MARKER));
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
