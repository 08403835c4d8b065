import { createServer, type Server } from "node:net";
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../lab.ts";

/** One thing at a time within this process, in the order of the calls. */
export class Mutex {
    #tail: Promise<unknown> = Promise.resolve();

    run<T>(work: () => Promise<T>): Promise<T> {
        const result = this.#tail.then(work);
        this.#tail = result.catch(() => undefined);
        return result;
    }
}

/**
 * One thing at a time on this machine. The lock is a listening socket of the abstract name space: the kernel frees it
 * with the process that holds it, so that a killed process leaves no stale lock.
 *
 * @param name what is locked; the same name in two processes is the same lock
 * @param timeoutSeconds how long to wait for the other process; LabError after it
 */
export async function withLock<T>(name: string, work: () => Promise<T>, timeoutSeconds = 600): Promise<T> {
    const address = `\0linkmesh-lab-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
    const deadline = Date.now() + timeoutSeconds * 1000;
    let server = await tryListen(address);
    while (!server) {
        if (Date.now() > deadline) {
            throw new LabError(
                `another process has been working on ${name} for ${timeoutSeconds} s: wait for it or stop it`,
            );
        }
        await sleep(25);
        server = await tryListen(address);
    }
    try {
        return await work();
    } finally {
        await new Promise<void>((resolve) => server.close(() => resolve()));
    }
}

function tryListen(address: string): Promise<Server | undefined> {
    return new Promise((resolve, reject) => {
        const server = createServer((connection) => connection.destroy());
        server.once("error", (error: NodeJS.ErrnoException) =>
            error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
        );
        server.listen(address, () => resolve(server));
    });
}
