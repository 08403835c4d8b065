import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { allPids, procStat } from "../../lab/process/process.ts";
import { engineLocks, readCheckpoint, workspaceOf } from "../../lab/engine/workspace.ts";
import { theLab } from "./lab.ts";

/** An `up` at work, in a process group of its own, to be cut at a moment of the test's choice. */
export class RunningUp {
    stdout = "";
    stderr = "";
    readonly ended: Promise<unknown[]>;
    readonly #child;

    constructor(args: string[]) {
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

    /** Waits for a moment; an `up` that ends before it fails the test. */
    async until<T>(moment: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
        for (;;) {
            const found = await moment();
            if (found !== undefined && found !== false) return found;
            if (this.exitCode !== null) throw new Error(`up ended too soon:\n${this.stdout}\n${this.stderr}`);
            await sleep(5);
        }
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

/** The step that runs on the machine now: its name, and the process on the outer machine. */
export function stepAtWork(): { name: string; pid: number } | undefined {
    for (const pid of allPids()) {
        const [shell, flag, end, name] = commandLine(pid);
        if (shell !== "bash" || flag !== "-s" || end !== "--" || !name) continue;
        // Not a subshell of it, and not another lab's.
        const parent = procStat(pid)?.parent;
        if (parent && procStat(parent)?.comm === "timeout" && isOfLab(pid)) return { name, pid };
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
