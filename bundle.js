import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// Bundles of the program and of the lab's parts, which load in half of the time that their sources take. One is made again
// when a source has changed. In JavaScript, because Node.js 20 runs no TypeScript.

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/linkmesh-proxy");
/** The examples import this checkout by its name. tsconfig.json says where that is. */
const OWN_NAME = "linkmesh-proxy";
/** How long a process may go on to load parts of its bundle when others have made newer ones. */
const KEPT_MS = 24 * 3_600_000;

const COMMON = {
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "error",
};
/** Packages in CommonJS load Node's own modules with `require`. */
export const REQUIRE = {
    js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
};

/**
 * @typedef {object} Manifest what a bundle was made from
 * @property {string} root
 * @property {string} module the bundle of the file that was asked for
 * @property {string} options of esbuild, as JSON
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
    const module = await bundled(file, {
        outExtension: { ".js": ".mjs" },
        splitting: true,
        format: "esm",
        banner: REQUIRE,
        sourcemap: true,
        sourcesContent: false,
        plugins: [
            { name: `external packages but ${packages.join()}`, setup: (build) => keepOutside(build, packages) },
            { name: "places", setup: keepPlaces },
        ],
    });
    if (module !== undefined) return pathToFileURL(module).href;
    const { register } = await import("tsx/esm/api");
    register();
    return pathToFileURL(file).href;
}

/**
 * A TypeScript file and all that it imports as one text, which runs where the checkout is not.
 * @param {string} file absolute path, in this checkout, of which there is no other bundle
 * @param {import("esbuild").BuildOptions} options further ones
 * @returns {Promise<string>}
 */
export async function bundledText(file, options) {
    const module = await bundled(file, options);
    if (module !== undefined) return readFile(module, "utf8");
    const { build } = await import("esbuild");
    const { outputFiles } = await build({ ...COMMON, entryPoints: [file], ...options, write: false });
    return outputFiles[0].text;
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
 * @param {string} file
 * @param {import("esbuild").BuildOptions} options
 * @returns {Promise<string | undefined>} the path of its bundle; undefined if there is no place for it
 */
async function bundled(file, options) {
    const cache = cacheOf(file);
    const { module } = upToDate(cache, options) ?? (await makeBundle(file, cache, options));
    if (module === undefined) return undefined;
    try {
        // A bundle's time is that of its last use.
        utimesSync(dirname(module), new Date(), new Date());
    } catch {
        // Whoever may not write here does not remove old ones either.
    }
    return module;
}

/**
 * @param {string} cache
 * @param {import("esbuild").BuildOptions} options
 * @returns {Manifest | undefined} of the bundle that is up to date
 */
function upToDate(cache, options) {
    try {
        const manifest = JSON.parse(readFileSync(manifestIn(cache), "utf8"));
        // The bundle holds the paths of its sources: it does not work for a copy of the checkout.
        if (manifest.root !== ROOT || manifest.options !== JSON.stringify(options)) return undefined;
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
 * @param {import("esbuild").BuildOptions} options
 * @returns {Promise<Partial<Manifest>>} nothing if there is no place for it
 */
async function makeBundle(file, cache, options) {
    const directory = await newDirectory(cache);
    if (directory === undefined) return {};
    const { build } = await import("esbuild");
    const begun = Date.now();
    const { metafile } = await build({
        ...COMMON,
        entryPoints: [file],
        outdir: directory,
        metafile: true,
        ...options,
    });
    const stamps = ["bundle.js", ...Object.keys(metafile.inputs)].map(async (file) => {
        const found = await stat(join(ROOT, file));
        // One that has changed meanwhile counts as changed.
        return [file, found.mtimeMs < begun ? stampOf(found) : ""];
    });
    const [output] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === relative(ROOT, file));
    const module = join(ROOT, output);
    const manifest = {
        root: ROOT,
        module,
        options: JSON.stringify(options),
        inputs: Object.fromEntries(await Promise.all(stamps)),
    };
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
