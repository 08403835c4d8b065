import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { bootId } from "../process/process.ts";

/**
 * What the reconciler has made since this machine was started: a text for each object that describes it. An object whose
 * text is the wanted one is left alone, so that an unchanged state costs a file read and a few stats.
 */
export class Applied {
    readonly #file: string;
    readonly #entries: Map<string, string>;
    #changed = false;

    private constructor(file: string, entries: Map<string, string>) {
        this.#file = file;
        this.#entries = entries;
    }

    /** Empty after a restart of the outer machine, as the kernel is. */
    static load(lab: Lab): Applied {
        const file = join(lab.dir, "applied.json");
        try {
            const kept = JSON.parse(readFileSync(file, "utf8")) as { bootId: string; entries: Record<string, string> };
            if (kept.bootId === bootId()) return new Applied(file, new Map(Object.entries(kept.entries)));
        } catch {
            // No file yet, or one cut by a crash: everything is made again.
        }
        return new Applied(file, new Map());
    }

    get(key: string): string | undefined {
        return this.#entries.get(key);
    }

    /** Written through: a crash right after must not forget it. */
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
