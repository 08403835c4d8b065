import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import { CLEAN_ENV } from "./exec.ts";

/** A process that outlives the command that started it. The start time is needed, because pids are reused. */
export interface ProcessRecord {
    pid: number;
    /** Clock ticks after boot at which it was started. */
    startTime: number;
    bootId: string;
}

/** Holds the lab's directory in every process of a lab, to find the process if its pid file is lost. */
const MARK = "LINKMESH_LAB_DIR";

/** Holds the machine's id in every process of a machine, including init. */
export const MACHINE_MARK = "LINKMESH_LAB_MACHINE";

export function bootId(): string {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

interface ProcStat {
    comm: string;
    state: string;
    parent: number;
    startTime: number;
}

/** Undefined if there is no such process or it is a zombie. */
export function procStat(pid: number): ProcStat | undefined {
    let text: string;
    try {
        text = readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
        return undefined;
    }
    // The name is in parentheses and may contain parentheses itself.
    const end = text.lastIndexOf(")");
    const fields = text.slice(end + 2).split(" ");
    const state = fields[0] ?? "";
    if (state === "Z" || state === "X") return undefined;
    return {
        comm: text.slice(text.indexOf("(") + 1, end),
        state,
        parent: Number(fields[1]),
        startTime: Number(fields[19]),
    };
}

export function allPids(): number[] {
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number);
}

export function childrenOf(pid: number): number[] {
    return allPids().filter((other) => procStat(other)?.parent === pid);
}

/**
 * Starts a process in its own session, appends its output to a log file, and writes its pid file. Its environment is
 * CLEAN_ENV with `env`.
 */
export function startDetached(
    lab: Lab,
    options: { argv: string[]; log: string; pidFile: string; env?: Record<string, string> },
): ProcessRecord {
    mkdirSync(dirname(options.log), { recursive: true });
    mkdirSync(dirname(options.pidFile), { recursive: true });
    const [file, ...args] = options.argv as [string, ...string[]];
    const log = openSync(options.log, "a");
    try {
        const child = spawn(file, args, {
            detached: true,
            stdio: ["ignore", log, log],
            cwd: "/",
            env: { ...CLEAN_ENV, ...options.env, [MARK]: lab.dir },
        });
        child.on("error", () => undefined);
        child.unref();
        const stat = child.pid === undefined ? undefined : procStat(child.pid);
        if (child.pid === undefined || !stat) throw new Error(`${file} could not be started, see ${options.log}`);
        const record = { pid: child.pid, startTime: stat.startTime, bootId: bootId() };
        writeFileSync(options.pidFile, JSON.stringify(record));
        return record;
    } finally {
        closeSync(log);
    }
}

/** The process of a pid file, if it still runs. */
export function runningProcess(pidFile: string): ProcessRecord | undefined {
    let record: ProcessRecord;
    try {
        record = JSON.parse(readFileSync(pidFile, "utf8")) as ProcessRecord;
    } catch {
        return undefined;
    }
    return isRunning(record) ? record : undefined;
}

export function isRunning(record: ProcessRecord): boolean {
    return procStat(record.pid)?.startTime === record.startTime && record.bootId === bootId();
}

/** Ends the process group of a pid file: SIGTERM, and SIGKILL after the given time. Removes the file. */
export async function stopProcess(pidFile: string, graceMs = 3000): Promise<void> {
    const record = runningProcess(pidFile);
    if (record) {
        signal(-record.pid, "SIGTERM");
        if (!(await waitUntil(() => !isRunning(record), graceMs))) {
            signal(-record.pid, "SIGKILL");
            await waitUntil(() => !isRunning(record), 5000);
        }
    }
    rmSync(pidFile, { force: true });
}

/** Sends a signal. A process that is gone is no error. A negative pid is a process group. */
export function signal(pid: number, name: NodeJS.Signals): void {
    try {
        process.kill(pid, name);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
}

export async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
        if (Date.now() > deadline) return false;
        await sleep(20);
    }
    return true;
}

/** Every process of this lab or of one of its machines, with or without a pid file. */
export function processesOfLab(lab: Lab, instanceId?: string): number[] {
    const marks = [`${MARK}=${lab.dir}`, ...(instanceId ? [`${MACHINE_MARK}=${instanceId}`] : [])];
    return allPids().filter((pid) => {
        try {
            const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
            return pid !== process.pid && marks.every((mark) => environment.includes(mark));
        } catch {
            return false;
        }
    });
}

/** Kills processes and waits until they are gone. Returns those that are not. */
export async function killAll(pids: number[]): Promise<number[]> {
    for (const pid of pids) signal(pid, "SIGKILL");
    await waitUntil(() => !pids.some((pid) => procStat(pid)), 10_000);
    return pids.filter((pid) => procStat(pid));
}
