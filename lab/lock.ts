import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LabError } from "./lab.ts";

/** Who holds a lock: enough to tell a live holder from a process that reuses its pid, also after a reboot. */
export interface LockHolder {
    pid: number;
    /** What the holder is doing, as "lab up". */
    doing: string;
    /** Boot id and start time of the process. */
    identity: string;
}

/**
 * Takes a lock file, or throws what `refusal` says about the live process that holds it. The lock of a process that
 * is gone is taken over. Returns the function that gives the lock back.
 */
export function takeLock(path: string, doing: string, refusal: (holder: LockHolder) => LabError): () => void {
    mkdirSync(dirname(path), { recursive: true });
    const own: LockHolder = { pid: process.pid, doing, identity: processIdentity(process.pid) ?? "" };
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(own));
    try {
        for (let attempt = 0; ; attempt++) {
            try {
                // A link is made complete or not at all, so nobody ever reads a half-written lock.
                linkSync(draft, path);
                break;
            } catch (error) {
                if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
            }
            const holder = lockHolder(path);
            if (holder || attempt === 3) {
                throw refusal(holder ?? { pid: 0, doing: "unknown", identity: "" });
            }
            rmSync(path, { force: true });
        }
    } finally {
        rmSync(draft, { force: true });
    }
    const release = () => {
        process.off("exit", release);
        if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
    };
    process.on("exit", release);
    return release;
}

/** The live holder of a lock file; undefined when the lock is free or its holder is gone. */
export function lockHolder(path: string): LockHolder | undefined {
    const holder = readHolder(path);
    return holder && processIdentity(holder.pid) === holder.identity ? holder : undefined;
}

function readHolder(path: string): LockHolder | undefined {
    try {
        return JSON.parse(readFileSync(path, "utf8")) as LockHolder;
    } catch {
        return undefined;
    }
}

/** Changes with every boot and every new process under the same pid; undefined when there is no such process. */
export function processIdentity(pid: number): string | undefined {
    try {
        const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        // The name in parentheses may hold spaces; state is the first field behind it, start time the twentieth.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return fields[0] === "Z" ? undefined : `${boot}:${fields[19]}`;
    } catch {
        return undefined;
    }
}
