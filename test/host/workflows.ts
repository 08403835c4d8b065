import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";

export const ROOT = join(import.meta.dirname, "../..");
const WORKFLOWS = join(ROOT, ".github/workflows");

interface Workflow {
    jobs: Record<string, { steps: { name?: string; run?: string }[] }>;
}

/** The workflows of this repository by file name, and those that a page of the docs shows. */
export function workflows(): Map<string, string> {
    const own = readdirSync(WORKFLOWS).map((name) => [name, readFileSync(join(WORKFLOWS, name), "utf8")] as const);
    const page = readFileSync(join(ROOT, "docs/pull-requests.md"), "utf8");
    const shown = [...page.matchAll(/^```yaml\n# \.github\/workflows\/(\S+)\n([^]*?)^```$/gm)].map(
        ([, name, text]) => [name!, text!] as const,
    );
    return new Map([...own, ...shown]);
}

/** A repository with nothing but workflows. Call `remove` at the end. */
export function repositoryOf(files: ReadonlyMap<string, string>) {
    const root = mkdtempSync(join(tmpdir(), "linkmesh-workflows-"));
    const directory = join(root, ".github/workflows");
    mkdirSync(directory, { recursive: true });
    // actionlint finds the workflows that others call by the repository's root.
    mkdirSync(join(root, ".git"));
    for (const [name, text] of files) writeFileSync(join(directory, name), text);
    return { root, directory, remove: () => rmSync(root, { recursive: true }) };
}

/** The script of a step of a workflow. */
export function scriptOf(file: string, job: string, step: string): string {
    const workflow = parse(readFileSync(join(WORKFLOWS, file), "utf8")) as Workflow;
    return workflow.jobs[job]!.steps.find(({ name }) => name === step)!.run!;
}

export interface ScriptRun {
    status: number;
    /** What the stubs were called with, a line each. */
    calls: string[];
    output: string;
}

/**
 * Runs a script as a runner does, with stubs for the programs that it would call.
 * @param stubs by name, the shell that each runs
 */
export function runScript(script: string, stubs: Record<string, string>, env: Record<string, string>): ScriptRun {
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-script-"));
    const log = join(directory, "calls");
    writeFileSync(log, "");
    for (const [name, text] of Object.entries(stubs)) {
        const stub = `#!/bin/bash\nprintf '%s' "${name}" >>"${log}"\nprintf ' %q' "$@" >>"${log}"\necho >>"${log}"\n${text}\n`;
        writeFileSync(join(directory, name), stub, { mode: 0o755 });
    }
    const options = {
        cwd: directory,
        encoding: "utf8" as const,
        env: { PATH: [directory, process.env.PATH].join(delimiter), ...env },
    };
    try {
        const output = execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], options);
        return { status: 0, calls: lines(log), output };
    } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
        return { status, calls: lines(log), output: stdout + stderr };
    } finally {
        rmSync(directory, { recursive: true });
    }
}

const lines = (file: string) => readFileSync(file, "utf8").trim().split("\n").filter(Boolean);
