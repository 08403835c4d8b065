import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ReleaseError, closed } from "./changelog.ts";

// npm runs this as the script `version`: package.json has the new version, and nothing is committed.

const path = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const read = (file: string) => readFileSync(path(file), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
try {
    writeFileSync(path("CHANGELOG.md"), closed(read("CHANGELOG.md"), version, new Date().toISOString().slice(0, 10)));
} catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 2;
}
