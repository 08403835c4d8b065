import { execa } from "execa";
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { LabError, type Progress } from "../lab.ts";
import { lockHolder, takeLock } from "../lock.ts";
import { aptCandidate, aptInstall } from "./apt.ts";
import { isRoot } from "./prerequisites.ts";
import { GO_MINIMUM, PULUMI_VERSION, compareVersions } from "./version.ts";

/** A go.mod that names the CLI as a tool, and a go.sum that pins every module it is made of. */
const MODULE_DIR = join(import.meta.dirname, "go");
const CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
/** Without it the CLI calls itself v3.0.0 and the Automation API refuses it. */
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
/** How many modules have to be fetched when there are none, counted. */
const MODULES = 254;
/** Modules, build cache and binary, measured; Go fails half-way with an obscure message when they do not fit. */
const NEEDED_MIB = 3300;

/** Builds the Pulumi CLI into `target`. A second caller waits for the first. Needs Go and a Go module proxy. */
export async function buildPulumi(target: string, progress: Progress): Promise<void> {
    mkdirSync(dirname(target), { recursive: true });
    const lock = `${target}.lock`;
    while (lockHolder(lock)) {
        progress(`waiting for process ${lockHolder(lock)?.pid}, which builds it`);
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const release = takeLock(
        lock,
        "build the Pulumi CLI",
        ({ pid }) =>
            new LabError(`process ${pid} builds the Pulumi CLI at this moment: try again when it has finished`),
    );
    const draft = `${target}.${process.pid}`;
    try {
        if (existsSync(target)) return;
        await ensureGo(progress);
        await ensureSpace(dirname(target));
        const packages = await fetchModules(progress);
        await compile(draft, packages, progress);
        renameSync(draft, target);
    } finally {
        rmSync(draft, { force: true });
        release();
    }
}

async function ensureGo(progress: Progress): Promise<void> {
    const installed = await goVersion();
    if (installed && compareVersions(installed, GO_MINIMUM) >= 0) return;
    const candidate = isRoot() ? await aptCandidate("golang-go") : undefined;
    if (candidate && compareVersions(candidate.replace(/^\d+:/, ""), GO_MINIMUM) >= 0) {
        await aptInstall(
            [{ name: "golang-go", why: "builds the Pulumi CLI, as no recent pulumi is on PATH" }],
            progress,
        );
        return;
    }
    const found = installed ? `Go ${installed} is too old` : "there is no Go";
    throw new LabError(
        `the lab needs the Pulumi CLI: no recent pulumi is on PATH and ${found} to build one; install pulumi ` +
            `(https://www.pulumi.com/docs/install/) or Go ${GO_MINIMUM} or newer (https://go.dev/dl/), then run this again`,
    );
}

async function goVersion(): Promise<string | undefined> {
    const result = await execa("go", ["env", "GOVERSION"], { reject: false, env: { GOTOOLCHAIN: "local" } });
    return result.failed ? undefined : /go(\d+(\.\d+)*)/.exec(String(result.stdout))?.[1];
}

async function ensureSpace(cacheDir: string): Promise<void> {
    const { stdout } = await execa("go", ["env", "GOCACHE", "GOMODCACHE"], { cwd: MODULE_DIR, reject: false });
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

/** Fetches the modules that the CLI is made of, checked against go.sum; returns the number of packages to compile. */
async function fetchModules(progress: Progress): Promise<number> {
    let fetched = 0;
    let packages = 0;
    // `go mod download` would also fetch what no package needs, and more about each module than every proxy has.
    await go(["list", "-deps", CLI_PACKAGE], "fetching the modules of the Pulumi CLI", (line) => {
        if (line.startsWith("go: downloading")) progress(`Go module ${++fetched} of about ${MODULES}`);
        else packages++;
    });
    return packages;
}

async function compile(draft: string, packages: number, progress: Progress): Promise<void> {
    let compiled = 0;
    // Packages that Go's own cache already holds are not listed: the count may end before the total.
    const flags = ["-v", "-trimpath", "-ldflags", `-s -w -X ${VERSION_VARIABLE}=v${PULUMI_VERSION}`];
    await go(["build", ...flags, "-o", draft, CLI_PACKAGE], "compiling the Pulumi CLI", (line) => {
        if (!/^[\w.]+(\/[\w.~-]+)*$/.test(line)) return;
        compiled++;
        progress(line === CLI_PACKAGE ? "linking" : `Go package ${compiled} of at most ${packages}`);
    });
}

async function go(args: string[], doing: string, onLine: (line: string) => void): Promise<void> {
    // A tool chain that go.mod asks for and that is not installed comes through the module proxy.
    const child = execa("go", args, { cwd: MODULE_DIR, all: true, reject: false, stdin: "ignore" });
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
            `repair that, or install pulumi ${PULUMI_VERSION} on PATH, then run this again`,
    );
}
