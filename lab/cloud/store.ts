import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseKept } from "../kept-file.ts";
import type { Lab } from "../lab.ts";
import { withLock } from "../process/lock.ts";
import { addExistingNetwork } from "./existing-network.ts";
import { type CloudState, emptyCloud } from "./state.ts";

/** Makes this machine match the state. Does nothing if the state is already applied. */
export interface CloudReconciler {
    apply(state: CloudState): Promise<void>;
}

/** The lab's cloud on disk: cloud.json in the lab's directory. One process at a time changes it. */
export class CloudStore {
    readonly lab: Lab;
    readonly #reconciler: CloudReconciler;

    constructor(lab: Lab, reconciler: CloudReconciler) {
        this.lab = lab;
        this.#reconciler = reconciler;
    }

    read(): Promise<CloudState> {
        return readCloud(this.lab);
    }

    /**
     * Changes the state and applies it. If `mutate` throws, nothing happens. If applying fails, the state is put back,
     * this machine is made to match it again, and the error is rethrown.
     *
     * The state is written before it is applied, so that the next process knows what a killed one has begun to build.
     */
    change<T>(mutate: (state: CloudState) => T): Promise<T> {
        return withLock(cloudFile(this.lab), () => this.#change(mutate));
    }

    async #change<T>(mutate: (state: CloudState) => T): Promise<T> {
        await mkdir(this.lab.dir, { recursive: true, mode: 0o700 });
        const state = await this.read();
        const before = JSON.stringify(state, null, 2);
        const result = mutate(state);
        const after = JSON.stringify(state, null, 2);
        if (after === before) return result;
        await this.#write(after);
        if (appliedPart(after) === appliedPart(before)) return result;
        try {
            await this.#reconciler.apply(state);
        } catch (error) {
            await this.#write(before);
            // The first error is the one to report. `destroy` removes what cannot be removed now.
            await this.#reconciler.apply(parse(this.lab, before)).catch(() => undefined);
            throw error;
        }
        return result;
    }

    /** Only root can read the file, because user data contains private keys. */
    async #write(text: string): Promise<void> {
        const file = cloudFile(this.lab);
        const draft = `${file}.${process.pid}`;
        await writeFile(draft, text, { mode: 0o600 });
        await rename(draft, file);
    }
}

/** The current state, or a new cloud if the lab has none. Needs no lock, because the file is replaced as a whole. */
export async function readCloud(lab: Lab): Promise<CloudState> {
    return parse(lab, await readText(lab));
}

async function readText(lab: Lab): Promise<string | undefined> {
    try {
        return await readFile(cloudFile(lab), "utf8");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
    }
}

/** Parses a state. A file of an older version lacks the newer kinds of objects. */
function parse(lab: Lab, text: string | undefined): CloudState {
    const state = {
        ...emptyCloud(),
        ...(text === undefined ? {} : parseKept<Partial<CloudState>>(cloudFile(lab), text)),
    };
    addExistingNetwork(state, lab);
    return state;
}

function cloudFile(lab: Lab): string {
    return join(lab.dir, "cloud.json");
}

/** The state without the parts that only the provider uses. */
function appliedPart(text: string): string {
    const hidden = [
        ...["tags", "terminated", "roles", "instanceProfiles", "lifecyclePolicies"],
        ...["alarms", "topics", "subscriptions", "healthChecks", "metrics"],
    ];
    return JSON.stringify({
        ...(JSON.parse(text) as CloudState),
        ...Object.fromEntries(hidden.map((name) => [name, undefined])),
    });
}
