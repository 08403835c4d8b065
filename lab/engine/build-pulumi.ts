import { execa } from "execa";
import { existsSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { LabError, type Progress } from "../lab.ts";
import { fetchToolchain } from "./fetch-go.ts";
import { GO_VERSION, PULUMI_VERSION, compareVersions } from "./versions.ts";

/** Has a go.mod with the CLI as a tool, and a go.sum that pins all of its modules. */
const MODULE_DIR = join(import.meta.dirname, "go");
const CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
/** If it is not set, the CLI reports v3.0.0 and the Automation API refuses it. */
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
/** No download of another Go. No C, because a machine may have a compiler but not the headers that Go needs. */
const LOCAL = { GOTOOLCHAIN: "local", CGO_ENABLED: "0" };
/** How many modules are fetched on a new machine, counted. */
const MODULES = 254;
/** Measured for modules, build cache and binary. If they do not fit, Go fails half-way with an obscure message. */
const NEEDED_MIB = 3300;

/**
 * Builds the Pulumi CLI into the file `target`. Needs a Go module proxy. If there is no Go, it is fetched from the
 * proxy too, into a directory beside the file.
 */
export async function buildPulumi(target: string, progress: Progress): Promise<void> {
    const go = await ensureGo(join(dirname(target), "go"), progress);
    await ensureSpace(go, dirname(target));
    const packages = await fetchModules(go, progress);
    await compile(go, target, packages, progress);
}

/** The `go` on PATH if it is new enough, else a fetched one in `directory`. */
export async function ensureGo(directory: string, progress: Progress): Promise<string> {
    const { failed, stdout } = await execa("go", ["env", "GOVERSION", "GOPROXY"], { reject: false, env: LOCAL });
    const [version = "", proxies] = failed ? [] : stdout.split("\n");
    return compareVersions(version.replace(/^go/, ""), GO_VERSION) >= 0
        ? "go"
        : fetchToolchain(directory, progress, proxies || undefined);
}

async function ensureSpace(go: string, cacheDir: string): Promise<void> {
    const { stdout } = await execa(go, ["env", "GOCACHE", "GOMODCACHE"], { cwd: MODULE_DIR, reject: false });
    const dirs = [cacheDir, ...String(stdout).split("\n")].filter((dir) => existsSync(dir));
    for (const dir of dirs) {
        const { bavail, bsize } = statfsSync(dir);
        const free = Math.floor((bavail * bsize) / 2 ** 20);
        if (free < NEEDED_MIB) {
            throw new LabError(
                `building the Pulumi CLI needs about ${NEEDED_MIB} MiB, ${dir} has ${free}: make room, or install pulumi`,
            );
        }
    }
}

/** Fetches the CLI's modules, checked against go.sum. Returns the number of packages to compile. */
async function fetchModules(go: string, progress: Progress): Promise<number> {
    let fetched = 0;
    let packages = 0;
    // `go mod download` would also fetch modules that no package needs, and data that some proxies lack.
    await run(go, ["list", "-deps", CLI_PACKAGE], "fetching the modules of the Pulumi CLI", (line) => {
        if (line.startsWith("go: downloading")) progress(`Go module ${++fetched} of about ${MODULES}`);
        else packages++;
    });
    return packages;
}

async function compile(go: string, target: string, packages: number, progress: Progress): Promise<void> {
    let compiled = 0;
    // Go does not list packages in its cache, so the count may end before the total.
    const flags = ["-v", "-trimpath", "-ldflags", `-s -w -X ${VERSION_VARIABLE}=v${PULUMI_VERSION}`];
    await run(go, ["build", ...flags, "-o", target, CLI_PACKAGE], "compiling the Pulumi CLI", (line) => {
        if (!/^[\w.]+(\/[\w.~-]+)*$/.test(line)) return;
        compiled++;
        progress(line === CLI_PACKAGE ? "linking" : `Go package ${compiled} of at most ${packages}`);
    });
}

async function run(go: string, args: string[], doing: string, onLine: (line: string) => void): Promise<void> {
    const child = execa(go, args, { cwd: MODULE_DIR, env: LOCAL, all: true, reject: false, stdin: "ignore" });
    const recent: string[] = [];
    for await (const line of child.iterable({ from: "all" })) {
        recent.push(line);
        if (recent.length > 20) recent.shift();
        onLine(line);
    }
    const { failed } = await child;
    if (!failed) return;
    const reason = recent.filter((line) => /error|:|fail/i.test(line) && !line.startsWith("{")).at(-1) ?? recent.at(-1);
    throw new LabError(
        `${doing} with Go failed: ${(reason ?? "no message").replace(/^go: /, "").trim()}; ` +
            `fix that, or install pulumi ${PULUMI_VERSION} on PATH, then run this again`,
    );
}
