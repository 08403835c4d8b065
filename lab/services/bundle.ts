/** A service of the lab's own in one text, because it runs without the checkout's packages. */
export async function bundleService(source: string): Promise<string> {
    const { build } = await import("esbuild");
    const { outputFiles } = await build({
        entryPoints: [source],
        bundle: true,
        write: false,
        platform: "node",
        mainFields: ["module", "main"],
        format: "esm",
        target: "node20",
        // Packages in CommonJS load Node's own modules with `require`.
        banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    return outputFiles[0]!.text;
}
