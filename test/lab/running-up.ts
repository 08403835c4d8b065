import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { allPids, procStat } from "../../lab/process/process.ts";
import { engineLocks, readCheckpoint, workspaceOf } from "../../lab/engine/workspace.ts";
import { interruptLab, lab, theLab } from "./lab.ts";
import type { Run } from "./run.ts";

/** An `up` at work, to be cut at a moment of the test's choice. */
abstract class Up {
    stdout = "";
    stderr = "";
    abstract readonly exitCode: number | null;
    abstract readonly ended: Promise<unknown>;

    /** Waits for a moment; an `up` that ends before it fails the test. */
    async until<T>(moment: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
        for (;;) {
            const found = await moment();
            if (found !== undefined && found !== false) return found;
            if (this.exitCode !== null) throw new Error(`up ended too soon:\n${this.stdout}\n${this.stderr}`);
            // No step's work is shorter, and reading what processes are takes a processor's time.
            await sleep(10);
        }
    }
}

/** In the process that serves the file's commands, which spares the loading. What it prints is known when it has ended. */
export class ServedUp extends Up {
    readonly ended: Promise<void>;
    #exitCode: number | null = null;

    constructor(args: string[]) {
        super();
        // A process that ended fails the test as an `up` does.
        const lost = (error: unknown): Run => ({ exitCode: -1, stdout: "", stderr: String(error) });
        this.ended = lab("up", ...args)
            .catch(lost)
            .then(({ exitCode, stdout, stderr }) => {
                Object.assign(this, { stdout, stderr });
                this.#exitCode = exitCode;
            });
    }

    get exitCode(): number | null {
        return this.#exitCode;
    }

    /** Ends it if it is still at work, as after a test that failed. */
    async close(): Promise<void> {
        if (this.#exitCode === null) interruptLab();
        await this.ended;
    }
}

/** In a process group of its own, which can be killed, and whose output is known while it runs. */
export class RunningUp extends Up {
    readonly ended: Promise<unknown[]>;
    readonly #child;

    constructor(args: string[]) {
        super();
        this.#child = spawn(process.execPath, ["lab/start.js", "up", ...args], {
            cwd: join(import.meta.dirname, "../.."),
            detached: true,
            stdio: ["ignore", "pipe", "pipe"],
        });
        this.ended = once(this.#child, "exit");
        this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
        this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    }

    get exitCode(): number | null {
        return this.#child.exitCode;
    }

    /** Ends it if it is still at work, as after a test that failed. */
    async close(): Promise<void> {
        if (this.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid!, "SIGTERM");
        await this.ended;
    }

    /** Kills it and the engine that it has started, as a power cut would. */
    async kill(): Promise<void> {
        const pids = engines();
        // The engine first: without the process that it works for it would end by itself.
        for (const pid of pids) process.kill(pid, "SIGKILL");
        process.kill(-this.#child.pid!, "SIGKILL");
        expect(pids, `an engine at work\n${this.stdout}`).toHaveLength(1);
        expect(await this.ended).toEqual([null, "SIGKILL"]);
    }
}

/** The engines that hold the stack of the tests' lab, by process id. */
export function engines(): number[] {
    return engineLocks(workspaceOf(theLab())).map(({ pid }) => pid);
}

/** Names of the stack's steps in their order, from its own state. */
export function steps(): string[] {
    return (readCheckpoint(workspaceOf(theLab()))?.resources ?? [])
        .filter((resource) => resource.type === "command:remote:Command")
        .map((resource) => resource.urn.split("::").at(-1)!.replace("linkmesh-", ""));
}

/** A process that is no step after this time never becomes one. */
const SETTLED_MS = 5000;
/** Processes that were no step when they were seen last, with the time when they were seen first. */
const others = new Map<number, number>();

/** The step that runs on the machine now: its name, and the process on the outer machine. */
export function stepAtWork(): { name: string; pid: number } | undefined {
    const now = Date.now();
    const pids = new Set(allPids());
    for (const pid of others.keys()) if (!pids.has(pid)) others.delete(pid);
    for (const pid of pids) {
        const since = others.get(pid) ?? now;
        // Asked many times a second: reading what all processes are would take most of a processor.
        if (now - since > SETTLED_MS) continue;
        others.set(pid, since);
        const [shell, flag, end, name] = commandLine(pid);
        if (shell !== "bash" || flag !== "-s" || end !== "--" || !name) continue;
        // Not a subshell of it, and not another lab's.
        const parent = procStat(pid)?.parent;
        if (!parent || procStat(parent)?.comm !== "timeout" || !isOfLab(pid)) continue;
        others.delete(pid);
        return { name, pid };
    }
    return undefined;
}

/** Whether a process runs on a machine of the tests' lab. */
export function isOfLab(pid: number): boolean {
    try {
        return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/${theLab().prefix}-`);
    } catch {
        return false;
    }
}

/** The sshd process that serves the connection which a process hangs on. */
export function connectionOf(pid: number): number {
    let parent = procStat(pid)?.parent;
    while (parent) {
        const stat = procStat(parent);
        if (stat?.comm.startsWith("sshd")) return parent;
        parent = stat?.parent;
    }
    throw new Error(`process ${pid} hangs on no connection`);
}

/** The arguments of a process; none when it is gone. */
export function commandLine(pid: number): string[] {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    } catch {
        return [];
    }
}
