import { execa } from "execa";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { bundleOf, cacheOf } from "../../bundle.js";

// As in a container whose image holds the checkout.

const ROOT = join(import.meta.dirname, "../..");
/** A source that nothing else bundles. */
const SOURCE = join(ROOT, "components/settings/chain.ts");

const clean = () => rmSync(cacheOf(SOURCE), { recursive: true, force: true });
afterAll(clean);

/** What the source's bundle is there, and whether it can be imported. */
async function imported(): Promise<{ url: string; exported: string[] }> {
    const script = `import { bundleOf } from ${JSON.stringify(join(ROOT, "bundle.js"))};
const url = await bundleOf(${JSON.stringify(SOURCE)});
console.log(JSON.stringify({ url, exported: Object.keys(await import(url)) }));`;
    const readOnly = `mount --bind -o ro '${ROOT}' '${ROOT}' && cd '${ROOT}' && exec "$@"`;
    const node = [process.execPath, "--input-type=module", "--eval", script];
    const arguments_ = ["--mount", "--propagation", "private", "sh", "-c", readOnly, "sh", ...node];
    const { stdout } = await execa("unshare", arguments_, { cwd: "/" });
    return JSON.parse(stdout) as { url: string; exported: string[] };
}

test("a checkout that cannot be written to runs from its sources, or from a bundle that is there", async () => {
    clean();
    const sources = await imported();
    expect(sources.url).toBe(pathToFileURL(SOURCE).href);
    expect(sources.exported).not.toEqual([]);
    const bundle = await bundleOf(SOURCE);
    expect(await imported()).toEqual({ url: bundle, exported: sources.exported });
});
