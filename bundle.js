import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// Bundles of the program and of the lab's command, which load in half of the time that their sources take. One is made again
// when a source has changed. In JavaScript, because Node.js 20 runs no TypeScript.

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/linkmesh-proxy");
/** The examples import this checkout by its name. tsconfig.json says where that is. */
const OWN_NAME = "linkmesh-proxy";
/** How long a process may go on to load parts of its bundle when others have made newer ones. */
const KEPT_MS = 24 * 3_600_000;

/**
 * @typedef {object} Manifest what a bundle was made from
 * @property {string} root
 * @property {string} module the bundle of the file that was asked for
 * @property {Record<string, string>} inputs
 */

/**
 * The URL of the bundle of a TypeScript file, which is made if it is not up to date. In a checkout that cannot be written to
 * and has none, it is that of the file itself, with a loader for TypeScript.
 * @param {string} file absolute path, in this checkout
 * @param {string[]} packages those that come into the bundle; without them it is made faster
 * @returns {Promise<string>}
 */
export async function bundleOf(file, packages = []) {
    const cache = cacheOf(file);
    const { module } = upToDate(cache) ?? (await makeBundle(file, cache, packages));
    if (module === undefined) {
        const { register } = await import("tsx/esm/api");
        register();
        return pathToFileURL(file).href;
    }
    try {
        // A bundle's time is that of its last use.
        utimesSync(dirname(module), new Date(), new Date());
    } catch {
        // Whoever may not write here does not remove old ones either.
    }
    return pathToFileURL(module).href;
}

/**
 * The directory of a file's bundles.
 * @param {string} file
 * @returns {string}
 */
export function cacheOf(file) {
    return join(CACHE, relative(ROOT, file).replace(/\W/g, "-"));
}

/**
 * @param {string} cache
 * @returns {Manifest | undefined} of the bundle that is up to date
 */
function upToDate(cache) {
    try {
        const manifest = JSON.parse(readFileSync(manifestIn(cache), "utf8"));
        // The bundle holds the paths of its sources: it does not work for a copy of the checkout.
        if (manifest.root !== ROOT) return undefined;
        const same = ([file, stamp]) => stampOf(statSync(join(ROOT, file))) === stamp;
        return existsSync(manifest.module) && Object.entries(manifest.inputs).every(same) ? manifest : undefined;
    } catch {
        // There is none yet, or a source is gone.
        return undefined;
    }
}

/** @param {string} cache */
function manifestIn(cache) {
    return join(cache, "manifest.json");
}

/**
 * Processes that start at once each make a bundle, and the last one stays.
 * @param {string} file
 * @param {string} cache
 * @param {string[]} packages
 * @returns {Promise<Partial<Manifest>>} nothing if there is no place for it
 */
async function makeBundle(file, cache, packages) {
    const directory = await newDirectory(cache);
    if (directory === undefined) return {};
    const { build } = await import("esbuild");
    const begun = Date.now();
    const { metafile } = await build({
        absWorkingDir: ROOT,
        entryPoints: [file],
        outdir: directory,
        outExtension: { ".js": ".mjs" },
        bundle: true,
        splitting: true,
        format: "esm",
        platform: "node",
        target: "node20",
        banner: {
            js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
        },
        sourcemap: true,
        sourcesContent: false,
        metafile: true,
        logLevel: "error",
        plugins: [
            { name: "external packages", setup: (build) => keepOutside(build, packages) },
            { name: "places", setup: keepPlaces },
        ],
    });
    const stamps = ["bundle.js", ...Object.keys(metafile.inputs)].map(async (file) => {
        const found = await stat(join(ROOT, file));
        // One that has changed meanwhile counts as changed.
        return [file, found.mtimeMs < begun ? stampOf(found) : ""];
    });
    const module = join(directory, basename(file).replace(/\.ts$/, ".mjs"));
    const manifest = { root: ROOT, module, inputs: Object.fromEntries(await Promise.all(stamps)) };
    const draft = `${manifestIn(cache)}.${process.pid}`;
    await writeFile(draft, JSON.stringify(manifest));
    await rename(draft, manifestIn(cache));
    await removeOld(cache);
    return manifest;
}

/** @param {string} cache */
async function newDirectory(cache) {
    try {
        await mkdir(cache, { recursive: true });
        return await mkdtemp(join(cache, "bundle-"));
    } catch {
        // For a file system that is read-only, Node.js also reports that the parent does not exist.
        return undefined;
    }
}

/**
 * @param {import("esbuild").PluginBuild} build
 * @param {string[]} packages
 */
function keepOutside(build, packages) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
        const wanted = importer.includes("/node_modules/") || [OWN_NAME, ...packages].includes(path);
        return wanted ? undefined : { path, external: true };
    });
}

/** In a bundle, too, a source finds the files beside it. */
function keepPlaces(build) {
    build.initialOptions.define = { "import.meta.url": "sourceUrl", "import.meta.dirname": "sourceDirectory" };
    build.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        if (path.includes("/node_modules/")) return undefined;
        const text = await readFile(path, "utf8");
        const places = { sourceUrl: pathToFileURL(path).href, sourceDirectory: dirname(path) };
        // In front of the first line, whose number stays the same.
        const constants = Object.entries(places).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}; `);
        return { contents: constants.join("") + text, loader: path.endsWith(".ts") ? "ts" : "js" };
    });
}

/**
 * Another process may be removing the same one.
 * @param {string} cache
 */
async function removeOld(cache) {
    const bundles = (await readdir(cache)).filter((name) => name.startsWith("bundle-"));
    for (const path of bundles.map((name) => join(cache, name))) {
        const found = await stat(path).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
    }
}

/** @param {import("node:fs").Stats} found */
function stampOf({ mtimeMs, size }) {
    return `${mtimeMs} ${size}`;
}
