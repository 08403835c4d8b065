import { fileURLToPath } from "node:url";
import { bundleOf } from "./bundle.js";

// Pulumi starts the program here. From a bundle it loads in half of the time that a TypeScript loader takes.

process.setSourceMapsEnabled(true);
const program = await import(await bundleOf(fileURLToPath(new URL("index.ts", import.meta.url))));

export default program.default;
