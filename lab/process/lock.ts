import { createHash } from "node:crypto";
import { type Server, connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../lab.ts";

/*
 * Locks between the processes of this machine. A lock is a listening socket in the abstract namespace of Unix sockets.
 * The kernel frees it when its process ends, so there are no stale locks. The socket tells every client which process
 * holds the lock.
 */

/** The process that holds a lock. */
export interface LockHolder {
    pid: number;
    /** The command that the process runs, for example "up". */
    doing: string;
}

const POLL_MS = 25;
/** Time limit for the holder's answer, long enough for a busy machine. */
const ANSWER_MS = 10_000;

/**
 * Takes a lock. If another process holds it, throws the error that `refusal` makes.
 *
 * @param name what is locked, for example a path; the same name in two processes is the same lock
 * @returns the function that releases the lock
 */
export async function takeLock(
    name: string,
    doing: string,
    refusal: (holder: LockHolder) => LabError,
): Promise<() => void> {
    for (;;) {
        const release = await tryLock(name, doing);
        if (release) return release;
        const holder = await lockHolder(name);
        if (holder) throw refusal(holder);
    }
}

/** The process that holds a lock, with pid 0 if it does not answer. Undefined if the lock is free. */
export async function lockHolder(name: string): Promise<LockHolder | undefined> {
    const socket = connect(address(name));
    let silent = false;
    socket.setTimeout(ANSWER_MS, () => {
        silent = true;
        socket.destroy(new Error("no answer"));
    });
    try {
        return JSON.parse(await text(socket)) as LockHolder;
    } catch {
        // The lock is free, or its holder released it before it answered.
        return silent ? { pid: 0, doing: "unknown" } : undefined;
    }
}

const queues = new Map<string, Promise<unknown>>();

/**
 * Does the work while holding a lock. Calls in one process run in their order.
 *
 * @param options.patienceSeconds how long to wait for another process; LabError after it
 * @param options.onWait called once when another process holds the lock
 */
export function withLock<T>(
    name: string,
    work: () => Promise<T>,
    options: { patienceSeconds?: number; onWait?: (holder: LockHolder) => void } = {},
): Promise<T> {
    const result = (queues.get(name) ?? Promise.resolve()).then(async () => {
        const release = await waitForLock(name, options);
        try {
            return await work();
        } finally {
            release();
        }
    });
    const settled = result
        .catch(() => undefined)
        .then(() => {
            if (queues.get(name) === settled) queues.delete(name);
        });
    queues.set(name, settled);
    return result;
}

async function waitForLock(
    name: string,
    { patienceSeconds = 600, onWait }: Parameters<typeof withLock>[2] & object,
): Promise<() => void> {
    const deadline = Date.now() + patienceSeconds * 1000;
    for (let waited = false; ; waited = true) {
        const release = await tryLock(name, "");
        if (release) return release;
        const expired = Date.now() > deadline;
        if (expired || (onWait && !waited)) {
            const holder = await lockHolder(name);
            if (holder && expired) {
                throw new LabError(
                    `process ${holder.pid} has been working on ${name} for more than ${patienceSeconds} s: wait for it to end, or end it`,
                );
            }
            if (holder) onWait?.(holder);
        }
        await sleep(POLL_MS);
    }
}

/** Takes a lock and returns the function that releases it. Undefined if another process holds the lock. */
function tryLock(name: string, doing: string): Promise<(() => void) | undefined> {
    const holder: LockHolder = { pid: process.pid, doing };
    return new Promise((resolve, reject) => {
        const server: Server = createServer((connection) => {
            // The client may disconnect before the answer.
            connection.on("error", () => undefined).end(JSON.stringify(holder));
        });
        server.once("error", (error: NodeJS.ErrnoException) =>
            error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
        );
        // Unreferenced, so that a lock does not keep the process running.
        server.unref().listen(address(name), () => resolve(() => void server.close()));
    });
}

function address(name: string): string {
    return `\0linkmesh-lab-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
}
