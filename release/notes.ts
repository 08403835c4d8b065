import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ReleaseError, notesOf } from "./changelog.ts";

// Prints the release notes of a tag: `npm run --silent release-notes -- v0.1.0`.

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
try {
    process.stdout.write(notesOf(read("CHANGELOG.md"), process.argv[2] ?? `v${version}`, version));
} catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 2;
}
