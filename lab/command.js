import { fileURLToPath } from "node:url";
import { bundleOf } from "../bundle.js";

/** Packages that nearly every command loads. */
const PACKAGES = ["commander", "execa", "fastest-levenshtein", "ipaddr.js", "ora", "yaml"];

/** @returns {Promise<typeof import("./cli.ts")>} the lab's command */
export async function loadCommand() {
    process.setSourceMapsEnabled(true);
    return import(await bundleOf(fileURLToPath(new URL("cli.ts", import.meta.url)), PACKAGES));
}
