import { execa } from "execa";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { bundledText, bundleOf, cacheOf } from "../../bundle.js";

// As in a container whose image holds the checkout.

const ROOT = join(import.meta.dirname, "../..");
/** A source that nothing else bundles. */
const SOURCE = join(ROOT, "components/settings/chain.ts");

const clean = () => rmSync(cacheOf(SOURCE), { recursive: true, force: true });
afterAll(clean);

/** What the source's bundle is there, and whether it can be imported. */
function imported(): Promise<{ url: string; exported: string[] }> {
    return valueOf(`const url = await bundleOf(${JSON.stringify(SOURCE)});
const value = { url, exported: Object.keys(await import(url)) };`) as ReturnType<typeof imported>;
}

/** What a script that uses bundle.js has as its value there. */
async function valueOf(use: string): Promise<unknown> {
    const script = `import { bundledText, bundleOf } from ${JSON.stringify(join(ROOT, "bundle.js"))};
${use}
console.log(JSON.stringify(value));`;
    const readOnly = `mount --bind -o ro '${ROOT}' '${ROOT}' && cd '${ROOT}' && exec "$@"`;
    const node = [process.execPath, "--input-type=module", "--eval", script];
    const arguments_ = ["--mount", "--propagation", "private", "sh", "-c", readOnly, "sh", ...node];
    const { stdout } = await execa("unshare", arguments_, { cwd: "/" });
    return JSON.parse(stdout);
}

test("a checkout that cannot be written to runs from its sources, or from a bundle that is there", async () => {
    clean();
    const sources = await imported();
    expect(sources.url).toBe(pathToFileURL(SOURCE).href);
    expect(sources.exported).not.toEqual([]);
    const bundle = await bundleOf(SOURCE);
    expect(await imported()).toEqual({ url: bundle, exported: sources.exported });
});

test("a text for elsewhere is made there each time, or read if it is there", async () => {
    clean();
    const use = `const value = await bundledText(${JSON.stringify(SOURCE)}, { format: "esm" });`;
    const text = await valueOf(use);
    expect(text).toMatch(/export \{/);
    expect(existsSync(cacheOf(SOURCE))).toBe(false);
    expect(await bundledText(SOURCE, { format: "esm" })).toBe(text);
    expect(await valueOf(use)).toBe(text);
});
