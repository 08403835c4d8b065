import { cpSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "..");
/** What is installed or built, which other tests may change meanwhile, and git's own. */
const NOT_OURS = /^(node_modules|dist|\.git)(\/|$)/;

/** Copies this checkout's own files to a directory. */
export function copyCheckout(target: string): void {
    cpSync(ROOT, target, { recursive: true, filter: (file) => !NOT_OURS.test(relative(ROOT, file)) });
}

/** The names of this checkout's own files and directories, relative to it. */
export function ownNames(): string[] {
    return readdirSync(ROOT, { withFileTypes: true })
        .filter(({ name }) => !NOT_OURS.test(name))
        .flatMap((entry) => {
            if (!entry.isDirectory()) return [entry.name];
            const below = readdirSync(join(ROOT, entry.name), { recursive: true, encoding: "utf8" });
            return [entry.name, ...below.map((name) => join(entry.name, name))];
        });
}
