import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { LabError } from "../../lab/lab.ts";
import { lockHolder, takeLock, withLock } from "../../lab/process/lock.ts";

const NAME = `the test ${process.pid}`;
const refusal = ({ pid, doing }: { pid: number; doing: string }) => new LabError(`${doing} ${pid}`);

/** A process that holds the lock until it is killed. */
async function holder() {
    const module = join(import.meta.dirname, "../../lab/process/lock.ts");
    const script = `
        const { takeLock } = await import(${JSON.stringify(module)});
        await takeLock(${JSON.stringify(NAME)}, "hold", () => new Error());
        process.stdout.write("held");
        setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    return {
        pid: child.pid!,
        kill: async () => {
            child.kill("SIGKILL");
            await ended;
        },
    };
}

it("a lock of another process is refused with that process's name, and is free once it is killed", async () => {
    const other = await holder();
    try {
        await expect(takeLock(NAME, "up", refusal)).rejects.toThrow(`hold ${other.pid}`);
        await expect(withLock(NAME, () => Promise.resolve(), { patienceSeconds: 0 })).rejects.toThrow(
            `process ${other.pid} has been working on ${NAME} for more than 0 s`,
        );
        const onWait = vi.fn();
        const waiting = withLock(NAME, () => Promise.resolve("done"), { onWait });
        await vi.waitFor(
            () => expect(onWait).toHaveBeenCalledExactlyOnceWith({ pid: other.pid, doing: "hold" }),
            30_000,
        );
        await other.kill();
        await expect(waiting).resolves.toBe("done");
        expect(onWait).toHaveBeenCalledOnce();
    } finally {
        await other.kill();
    }
    expect(await lockHolder(NAME)).toBeUndefined();
    const release = await takeLock(NAME, "up", refusal);
    release();
    (await takeLock(NAME, "up", refusal))();
});

it("work in one process runs in the order of the calls, even after a failure", async () => {
    const events: string[] = [];
    const work = (name: string, milliseconds: number) => async () => {
        events.push(`${name} begins`);
        await sleep(milliseconds);
        events.push(`${name} ends`);
        if (name === "a") throw new Error("a failed");
        return name;
    };
    const first = withLock(NAME, work("a", 30));
    const second = withLock(NAME, work("b", 0));
    // Asks when the lock has just become free.
    const third = first.catch(() => withLock(NAME, work("c", 0)));
    await expect(first).rejects.toThrow("a failed");
    expect(await Promise.all([second, third])).toEqual(["b", "c"]);
    expect(events).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(await lockHolder(NAME)).toBeUndefined();
});
