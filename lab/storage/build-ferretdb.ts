import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureGoProgram } from "../engine/go-program.ts";
import type { Progress } from "../lab.ts";

const SOURCE = join(import.meta.dirname, "ferretdb");
const MODULE = "github.com/FerretDB/FerretDB";

/**
 * FerretDB, which speaks MongoDB's protocol and keeps its data in SQLite. Returns its path. Version 1 is the last that
 * needs no PostgreSQL. It lacks transactions and atomic updates: of two at a time, one may be lost.
 *
 * @throws LabError if it cannot be built
 */
export function ensureFerretdb(progress: Progress): Promise<string> {
    const version = /FerretDB (v\S+)/.exec(readFileSync(join(SOURCE, "go.mod"), "utf8"))![1]!;
    const program = {
        name: "ferretdb",
        source: SOURCE,
        package: "./cmd/ferretdb",
        folder: "storage",
        tags: ["ferretdb_no_postgresql"],
        // Its own build writes the file, without which it does not start.
        within: { module: MODULE, files: { "build/version/version.txt": version } },
    };
    return ensureGoProgram(program, progress);
}
