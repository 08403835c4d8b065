import { join } from "node:path";
import { ensureGoProgram } from "../../lab/engine/go-program.ts";
import type { Progress } from "../../lab/lab.ts";

/** The programs of `bench/go`: the package of each. */
const PACKAGES = { caddy: "github.com/caddyserver/caddy/v2/cmd/caddy", opamp: "." } as const;

/** A program of the benchmark, kept in the cache. Returns its path. */
export function ensureProgram(name: keyof typeof PACKAGES, progress: Progress): Promise<string> {
    const source = join(import.meta.dirname, "..", "go", name);
    return ensureGoProgram({ name, source, package: PACKAGES[name], folder: "bench" }, progress);
}
