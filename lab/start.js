import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// Starts the lab's command from a bundle of its sources, which loads in a third of the time that the sources take. The
// bundle is made again when one of them has changed. In JavaScript, because Node.js 20 runs no TypeScript.

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/linkmesh-lab");
const MANIFEST = join(CACHE, "manifest.json");
/** Packages that nearly every command loads. The others stay outside, so that a bundle is made in a second. */
const BUNDLED = ["commander", "execa", "fastest-levenshtein", "ipaddr.js", "ora", "yaml"];
/** How long a command may go on to load parts of its bundle when others have made newer ones. */
const KEPT_MS = 24 * 3_600_000;

/** @typedef {{ root: string, directory: string, inputs: Record<string, string> }} Manifest what a bundle was made from */

/** @returns {Manifest | undefined} of the bundle that is up to date */
function upToDate() {
    try {
        const manifest = JSON.parse(readFileSync(MANIFEST, "utf8"));
        // The bundle holds the paths of its sources: it does not work for a copy of the checkout.
        if (manifest.root !== ROOT) return undefined;
        const same = ([file, stamp]) => stampOf(statSync(join(ROOT, file))) === stamp;
        const whole = existsSync(join(manifest.directory, "cli.mjs"));
        return whole && Object.entries(manifest.inputs).every(same) ? manifest : undefined;
    } catch {
        // There is none yet, or a source is gone.
        return undefined;
    }
}

/** Commands that start at once each make a bundle, and the last one stays. */
async function makeBundle() {
    const { build } = await import("esbuild");
    await mkdir(CACHE, { recursive: true });
    const directory = await mkdtemp(join(CACHE, "bundle-"));
    const begun = Date.now();
    const { metafile } = await build({
        absWorkingDir: ROOT,
        entryPoints: ["./lab/cli.ts"],
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
            { name: "external packages", setup: keepOutside },
            { name: "places", setup: keepPlaces },
        ],
    });
    const stamps = ["lab/start.js", ...Object.keys(metafile.inputs)].map(async (file) => {
        const found = await stat(join(ROOT, file));
        // One that has changed meanwhile counts as changed.
        return [file, found.mtimeMs < begun ? stampOf(found) : ""];
    });
    const manifest = { root: ROOT, directory, inputs: Object.fromEntries(await Promise.all(stamps)) };
    await writeFile(`${MANIFEST}.${process.pid}`, JSON.stringify(manifest));
    await rename(`${MANIFEST}.${process.pid}`, MANIFEST);
    await removeOld();
    return manifest;
}

function keepOutside(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
        const wanted = importer.includes("/node_modules/") || BUNDLED.includes(path);
        return wanted ? undefined : { path, external: true };
    });
}

/** In a bundle, too, a source finds the files beside it. */
function keepPlaces(build) {
    build.initialOptions.define = { "import.meta.url": "sourceUrl", "import.meta.dirname": "sourceDirectory" };
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        const places = { sourceUrl: pathToFileURL(path).href, sourceDirectory: dirname(path) };
        // In front of the first line, whose number stays the same.
        const constants = Object.entries(places).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}; `);
        return { contents: constants.join("") + text, loader: "ts" };
    });
}

/** A bundle's time is that of its last use. Another command may be removing the same one. */
async function removeOld() {
    const bundles = (await readdir(CACHE)).filter((name) => name.startsWith("bundle-"));
    for (const path of bundles.map((name) => join(CACHE, name))) {
        const found = await stat(path).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
    }
}

/** @param {import("node:fs").Stats} found */
function stampOf({ mtimeMs, size }) {
    return `${mtimeMs} ${size}`;
}

process.setSourceMapsEnabled(true);
const { directory } = upToDate() ?? (await makeBundle());
utimesSync(directory, new Date(), new Date());
await import(pathToFileURL(join(directory, "cli.mjs")).href);
