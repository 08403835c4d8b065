import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Lab, LabError, SLOTS, labAt, labRoot } from "./lab.ts";
import { type LockHolder, lockHolder, takeLock, withLock } from "./process/lock.ts";

/** The owner of a slot, in lab.json in the lab's directory. */
export interface LabOwner {
    /** Absolute path of the checkout. */
    checkout: string;
    /** LINKMESH_LAB_NAME or "default". One checkout can have several labs. */
    name: string;
    /** ISO 8601. */
    createdAt: string;
}

const OWNER_FILE = "lab.json";
const SLOT_NUMBERS = Array.from({ length: SLOTS }, (_, slot) => slot);

/** The checkout of this file. */
export const CHECKOUT = dirname(import.meta.dirname);

/** Directory of the Pulumi program that the lab runs: LINKMESH_LAB_PROGRAM, or else the checkout. */
export const PROGRAM = resolve(CHECKOUT, process.env.LINKMESH_LAB_PROGRAM ?? ".");

export function labName(): string {
    const name = process.env.LINKMESH_LAB_NAME || "default";
    if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
        throw new LabError(`LINKMESH_LAB_NAME is "${name}": use at most 31 lower-case letters, digits and hyphens`);
    }
    return name;
}

/** The lab of this checkout and name; undefined if there is none. */
export function findLab(checkout = CHECKOUT, name = labName()): Lab | undefined {
    for (let slot = 0; slot < SLOTS; slot++) {
        const owner = ownerOf(slot);
        if (owner?.checkout === checkout && owner.name === name) return labAt(slot);
    }
    return undefined;
}

/** The lab of this checkout and name, or an error that says how to make one. */
export function requireLab(): Lab {
    const lab = findLab();
    if (!lab) throw new LabError(noLab());
    return lab;
}

/** What to do if this checkout has no lab. */
export const noLab = () => `this checkout has no lab: \`npm run lab -- up\` makes one${otherLabs()}`;

/** The rest of a sentence. A lab belongs to its folder, also when that has moved or is gone. */
export function otherLabs(): string {
    const list = owners(SLOT_NUMBERS.filter(ownerOf));
    return list === "" ? "" : `; others of this machine: ${list}; \`npm run lab -- destroy --slot N\` removes one`;
}

/** The lab of this checkout and name. If there is none, makes one in the lowest free slot. */
export function allocateLab(checkout = CHECKOUT, name = labName()): Promise<Lab> {
    return withLock(`the slots of ${labRoot()}`, () =>
        Promise.resolve(findLab(checkout, name) ?? takeSlot(checkout, name)),
    );
}

function takeSlot(checkout: string, name: string): Lab {
    mkdirSync(labRoot(), { recursive: true });
    for (let slot = 0; slot < SLOTS; slot++) {
        const lab = labAt(slot);
        if (existsSync(lab.dir) || hasKernelObjects(lab)) continue;
        const owner: LabOwner = { checkout, name, createdAt: new Date().toISOString() };
        // Written to a draft and renamed, so that every used slot has an owner.
        const draft = `${lab.dir}.new`;
        rmSync(draft, { recursive: true, force: true });
        mkdirSync(draft, { mode: 0o700 });
        writeFileSync(join(draft, OWNER_FILE), JSON.stringify(owner, null, 2));
        renameSync(draft, lab.dir);
        return lab;
    }
    throw new LabError(
        `all ${SLOTS} labs of this machine are in use (${owners()}): destroy one with \`npm run lab -- destroy --slot N\``,
    );
}

/** Removes all files of the lab and frees the slot. The owner is removed last, so that `destroy` can be repeated. */
export function releaseLab(lab: Lab): void {
    if (!existsSync(lab.dir)) return;
    for (const entry of readdirSync(lab.dir)) {
        if (entry !== OWNER_FILE) rmSync(join(lab.dir, entry), { recursive: true, force: true });
    }
    rmSync(lab.dir, { recursive: true, force: true });
}

/** Whether interfaces or namespaces of this slot exist, for example of a lab in another root or removed by hand. */
function hasKernelObjects(lab: Lab): boolean {
    return ["/sys/class/net", "/run/netns"].some(
        (dir) => existsSync(dir) && readdirSync(dir).some((name) => name.startsWith(lab.prefix)),
    );
}

/** Locks a lab for one command. A second command is refused, with an error that names the first. */
export function lockLab(lab: Lab, doing: string): Promise<() => void> {
    return takeLock(
        lockName(lab),
        doing,
        (holder) =>
            new LabError(
                `\`lab ${holder.doing}\` (process ${holder.pid}) is changing this lab: wait for it to end, then run this again`,
            ),
    );
}

/** The command that is changing the lab. */
export function lockedBy(lab: Lab): Promise<LockHolder | undefined> {
    return lockHolder(lockName(lab));
}

function lockName(lab: Lab): string {
    return `the lab ${lab.dir}`;
}

function ownerOf(slot: number): LabOwner | undefined {
    try {
        return JSON.parse(readFileSync(join(labAt(slot).dir, OWNER_FILE), "utf8")) as LabOwner;
    } catch {
        return undefined;
    }
}

function owners(slots = SLOT_NUMBERS): string {
    const list = slots.map((slot) => {
        const owner = ownerOf(slot);
        const name = owner?.name === "default" ? "" : ` "${owner?.name}"`;
        return `slot ${slot}: ${owner ? owner.checkout + name : "left over"}`;
    });
    return list.join(", ");
}
