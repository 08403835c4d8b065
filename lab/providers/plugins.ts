import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundledText } from "../../bundle.js";
import { type Lab, labCacheDir, labRoot } from "../lab.ts";
import { PACKAGES, type Package } from "./packages.ts";
import type { PluginSettings } from "./plugin.ts";

/** The file that marks a plugin directory as the lab's, to tell it from the real plugin's. */
export const MARKER = "linkmesh-lab-stand-in";

const require = createRequire(import.meta.url);

/** The SDK's version in node_modules. The engine asks for the plugin of the same version. */
export function packageVersion(name: Package): string {
    return (require(`@pulumi/${name}/package.json`) as { version: string }).version;
}

/** Those packages whose real plugin is on PATH or installed in the version that the program needs. */
export function realPlugins(names: readonly Package[]): Package[] {
    const path = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
    return names.filter((name) => [...path, installedPlugin(name)].some((dir) => isReal(dir, name)));
}

/**
 * Adds the user's installed plugins to another plugin directory. Each becomes a directory with links to its files: the
 * engine skips a directory that is a link, and a write into such a link would change the user's plugin.
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
 * Writes plugin executables for plain `pulumi` into a plugin directory (`$PULUMI_HOME/plugins`). The engine finds them
 * there by name and version, without the warning that plugins on PATH cause.
 *
 * They hold a bundle of the stand-ins, which starts in half the time of the sources.
 */
export async function writePlugins(dir: string, lab: Lab, packages: readonly Package[] = PACKAGES): Promise<void> {
    const source = fileURLToPath(new URL("plugin.ts", import.meta.url));
    // Without the optional native parts of ssh2.
    const text = await bundledText(source, { format: "cjs", external: ["cpu-features", "*.node"] });
    const bundle = join(dir, "linkmesh-lab-plugin.cjs");
    await mkdir(dir, { recursive: true });
    await writeFile(bundle, text);
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
        // It may link to a plugin of the user.
        if (!isStandIn(target)) rmSync(target, { recursive: true, force: true });
        await mkdir(target, { recursive: true });
        await writeFile(join(target, MARKER), "Written by `npm run lab -- env`.\n");
        const command = [process.execPath, bundle, JSON.stringify(settings)].map(quote).join(" ");
        const script = `#!/bin/sh\nexec ${command} "$@"\n`;
        await writeFile(join(target, executable(name)), script, { mode: 0o755 });
    }
}

/** The directory where the user's Pulumi installs the real plugin. */
function installedPlugin(name: Package): string {
    return pluginDir(join(process.env.PULUMI_HOME || join(homedir(), ".pulumi"), "plugins"), name);
}

/** Whether a directory holds a complete real plugin. A file beside it marks an unfinished installation. */
function isReal(dir: string, name: Package): boolean {
    return (
        [join(dir, MARKER), `${dir}.partial`].every((file) => !existsSync(file)) &&
        existsSync(join(dir, executable(name)))
    );
}

/** Whether the lab wrote everything in this directory, so that nothing in it is a link. */
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
