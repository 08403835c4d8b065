import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import { isSecret } from "./program.ts";

/** The pieces by which a secret is known wherever it or a part of it appears: runs of 16 letters, as they are and encoded. */
export function traces(secret: string): string[] {
    const pieces = secret.match(/[A-Za-z0-9+/]{16}/g) ?? [];
    if (pieces.length === 0) throw new Error("a secret without a run of 16 letters cannot be told from other text");
    return pieces.flatMap((piece) => [
        piece,
        encodeURIComponent(piece),
        Buffer.from(piece).toString("hex"),
        // Inside of a longer text it may begin at any of three places of base64's groups.
        ...[0, 1, 2].map((before) =>
            Buffer.from(" ".repeat(before) + piece)
                .toString("base64")
                .slice(4, 20),
        ),
    ]);
}

/** The parts of a registered input that a person can see: everything that is not secret. */
export function visible(value: unknown): string {
    return JSON.stringify(value ?? null, (_, part: unknown) => (isSecret(part) ? "[secret]" : part));
}

/** Everything that is written while `run` runs, and the error with which it ends as a debugger would show it. */
export async function overheard(run: () => unknown): Promise<string> {
    const heard: string[] = [];
    const hear = (said: unknown) => void heard.push(typeof said === "string" ? said : inspect(said, { depth: null }));
    // Not debug: there the SDK itself writes the inputs of resources, secrets included.
    const levels = ["info", "warn", "error"] as const;
    const spies = [
        ...levels.map((level) => vi.spyOn(pulumi.log, level).mockImplementation((said) => Promise.resolve(hear(said)))),
        ...([...levels, "log", "debug", "trace", "dir", "table"] as const).map((level) =>
            vi.spyOn(console, level).mockImplementation((...said: unknown[]) => hear(said)),
        ),
        ...(["stdout", "stderr"] as const).map((stream) =>
            vi.spyOn(process[stream], "write").mockImplementation((said) => (hear(String(said)), true)),
        ),
    ];
    try {
        await run();
    } catch (error) {
        hear(error);
    } finally {
        for (const spy of spies) spy.mockRestore();
    }
    return heard.join("\n");
}

/** What `run` leaves behind as errors that nobody waits for: the engine ends the program with them. */
export async function unhandled(run: () => Promise<unknown>): Promise<string[]> {
    const event = "unhandledRejection";
    const others = process.listeners(event);
    const errors: string[] = [];
    process.removeAllListeners(event).on(event, (error) => errors.push((error as Error).message));
    try {
        await run();
        await setImmediate();
    } finally {
        process.removeAllListeners(event);
        for (const listener of others) process.on(event, listener);
    }
    return errors;
}
