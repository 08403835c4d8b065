import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { LabError, type Progress, labCacheDir } from "../lab.ts";
import { withLock } from "../process/lock.ts";
import { ensureGo } from "./build-pulumi.ts";
import { GO_VERSION } from "./versions.ts";

export interface GoProgram {
    name: string;
    /** Directory with a go.mod and a go.sum that pin all modules, and the sources if it has any. */
    source: string;
    /** The package of the program. */
    package: string;
    /** Directory below the cache. */
    folder: string;
    tags?: string[];
    /**
     * A module of go.mod in whose own directory the package is built, with files added that a release has and its
     * module lacks. The module's own go.sum, of which go.mod's is the sum, pins the rest.
     */
    within?: { module: string; files: Record<string, string> };
}

/**
 * A program built by the lab's Go and kept in the cache. Returns its path.
 *
 * @throws LabError if Go fails
 */
export function ensureGoProgram(program: GoProgram, progress: Progress): Promise<string> {
    const { name, source, tags = [], within } = program;
    const hash = createHash("sha256")
        .update(tags.join())
        .update(within ? JSON.stringify(within) : "");
    for (const file of readdirSync(source).sort()) hash.update(file).update(readFileSync(join(source, file)));
    const folder = join(labCacheDir(), program.folder);
    const target = join(folder, `${name}-${hash.digest("hex").slice(0, 10)}`);
    // One at a time of all versions, which have one draft.
    return withLock(join(folder, name), async () => {
        if (existsSync(target)) return target;
        mkdirSync(folder, { recursive: true });
        for (const old of readdirSync(folder)) if (old.startsWith(`${name}-`)) rmSync(join(folder, old));
        const go = await ensureGo(join(folder, "go"), progress).catch((error: unknown) => {
            if (!(error instanceof LabError)) throw error;
            throw new LabError(
                `${name} is built with Go, and this machine has no Go ${GO_VERSION} and can fetch none: install Go ` +
                    "(https://go.dev/dl/), or set GOPROXY to a Go module proxy that can be reached, then run this again",
            );
        });
        progress(`building ${name} with Go`);
        const draft = join(folder, `.build-${name}`);
        // That of a run that was killed.
        rmSync(draft, { recursive: true, force: true });
        mkdirSync(draft);
        try {
            const built = join(draft, name);
            const directory = within ? await copyModule(program, go, draft) : source;
            const flags = ["-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-tags", tags.join(",")];
            await run(name, go, ["build", ...flags, "-o", built, program.package], directory);
            renameSync(built, target);
        } finally {
            rmSync(draft, { recursive: true, force: true });
        }
        return target;
    });
}

/** Copies the module, because the cache of modules is shared and must not change. */
async function copyModule({ name, source, within }: GoProgram, go: string, draft: string): Promise<string> {
    const { module, files } = within!;
    const answer = await run(name, go, ["mod", "download", "-json", module], source);
    const copy = join(draft, "module");
    cpSync((JSON.parse(answer) as { Dir: string }).Dir, copy, { recursive: true });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(copy, path), text);
    return copy;
}

async function run(name: string, go: string, args: string[], cwd: string): Promise<string> {
    // GOTOOLCHAIN: a module may need a newer Go than the engine, which the go command then fetches as a module.
    const env = { GOTOOLCHAIN: "auto", GOFLAGS: "-mod=readonly", CGO_ENABLED: "0" };
    const { failed, stdout, stderr } = await execa(go, args, { cwd, env, stdin: "ignore", reject: false });
    if (!failed) return stdout;
    const reason = stderr.trim().split("\n").at(-1) || "no message";
    throw new LabError(
        `${name} could not be built with Go: ${reason}; fix that (is a Go module proxy reachable?), then run this again`,
    );
}
