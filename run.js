import { resolve } from "node:path";
import { installed } from "./installed.js";

// node run.js FILE.ts ARGUMENTS…: runs one of the project's tools, for the scripts of package.json.

const file = resolve(process.argv[2] ?? "");
process.argv.splice(1, 2, file);
process.setSourceMapsEnabled(true);
await installed(async () => {
    const { bundleOf } = await import("./bundle.js");
    await import(await bundleOf(file));
});
