import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { bootId } from "../process/process.ts";

/**
 * The objects that the reconciler has made since this machine started, each with a text that describes it. If the text
 * is unchanged, the reconciler skips the object. An unchanged state then costs a file read and a few stats.
 */
export class AppliedObjects {
    readonly #file: string;
    readonly #entries: Map<string, string>;
    #changed = false;

    private constructor(file: string, entries: Map<string, string>) {
        this.#file = file;
        this.#entries = entries;
    }

    /** Loads the list. It is empty after a restart of the outer machine, because the kernel's objects are gone. */
    static load(lab: Lab): AppliedObjects {
        const file = join(lab.dir, "applied.json");
        try {
            const kept = JSON.parse(readFileSync(file, "utf8")) as { bootId: string; entries: Record<string, string> };
            if (kept.bootId === bootId()) return new AppliedObjects(file, new Map(Object.entries(kept.entries)));
        } catch {
            // No file yet, or one that a crash has cut: everything is made again.
        }
        return new AppliedObjects(file, new Map());
    }

    get(key: string): string | undefined {
        return this.#entries.get(key);
    }

    /** Saves at once, so that a crash right after does not lose it. */
    set(key: string, text: string): void {
        if (this.#entries.get(key) === text) return;
        this.#entries.set(key, text);
        this.#changed = true;
        this.save();
    }

    /** Keys with this prefix. */
    keys(prefix: string): string[] {
        return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
    }

    delete(key: string): void {
        this.#changed = this.#entries.delete(key) || this.#changed;
    }

    deletePrefix(prefix: string): void {
        for (const key of this.keys(prefix)) this.delete(key);
    }

    save(): void {
        if (!this.#changed) return;
        mkdirSync(join(this.#file, ".."), { recursive: true });
        writeFileSync(
            `${this.#file}.new`,
            JSON.stringify({ bootId: bootId(), entries: Object.fromEntries(this.#entries) }),
        );
        renameSync(`${this.#file}.new`, this.#file);
        this.#changed = false;
    }
}
