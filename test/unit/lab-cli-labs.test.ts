import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { preview } from "../../lab/commands/preview.ts";
import { LabError, SLOTS, labAt } from "../../lab/lab.ts";
import { allocateLab, findLab, labName, lockLab, lockedBy, noLab, releaseLab } from "../../lab/slots.ts";

let root: string;
const saved = { ...process.env };

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "labs-"));
    process.env.LINKMESH_LAB_ROOT = root;
});
afterEach(() => {
    process.env = { ...saved };
    rmSync(root, { recursive: true });
});

describe("slots", () => {
    it("return the same lab for the same checkout and name, and another lab for others", async () => {
        const one = await allocateLab("/a", "default");
        expect((await allocateLab("/a", "default")).slot).toBe(one.slot);
        expect(findLab("/a", "default")?.slot).toBe(one.slot);
        expect((await allocateLab("/a", "test")).slot).not.toBe(one.slot);
        expect(findLab("/b", "default")).toBeUndefined();
    });

    it("are reused after their lab is gone", async () => {
        const one = await allocateLab("/a", "default");
        mkdirSync(join(one.dir, "pulumi"));
        releaseLab(one);
        releaseLab(one);
        expect(existsSync(one.dir)).toBe(false);
        expect((await allocateLab("/b", "default")).slot).toBe(one.slot);
    });

    it("are listed with their owners if all are taken", async () => {
        const all = Array.from({ length: SLOTS + 1 }, (_, i) => allocateLab(`/checkout-${i}`, "default"));
        // All, because one that goes on would take a slot of the next test.
        const [refused] = (await Promise.allSettled(all)).filter(({ status }) => status === "rejected");
        expect(String((refused as PromiseRejectedResult).reason)).toMatch(
            /all 8 labs of this machine are in use \(slot 0: .*\/checkout-\d/,
        );
    });

    it("of other folders are named where this checkout has none", async () => {
        expect(noLab()).toBe("this checkout has no lab: `npm run lab -- up` makes one");
        const { slot } = await allocateLab("/moved/away", "mine");
        expect(noLab()).toBe(
            `this checkout has no lab: \`npm run lab -- up\` makes one; others of this machine: slot ${slot}: /moved/away "mine"; ` +
                "`npm run lab -- destroy --slot N` removes one",
        );
    });

    it.each(["UPPER", "../x", "a b", "x".repeat(32)])("refuse the name %j", (name) => {
        process.env.LINKMESH_LAB_NAME = name;
        expect(() => labName()).toThrow(LabError);
    });
});

it("a preview makes no lab, and says what does", async () => {
    await expect(preview({})).rejects.toThrow(new LabError(noLab()));
    expect(findLab()).toBeUndefined();
});

it("the lab's lock refuses a second command and names the first", async () => {
    const lab = labAt(0);
    const unlock = await lockLab(lab, "up");
    await expect(lockLab(lab, "destroy")).rejects.toThrow(`\`lab up\` (process ${process.pid}) is changing this lab`);
    expect(await lockedBy(lab)).toEqual({ pid: process.pid, doing: "up" });
    unlock();
    expect(await lockedBy(lab)).toBeUndefined();
    (await lockLab(lab, "destroy"))();
});
