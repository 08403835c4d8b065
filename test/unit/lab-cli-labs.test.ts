import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LabError, SLOTS, labAt } from "../../lab/lab.ts";
import { allocateLab, findLab, labName, lockLab, lockedBy, releaseLab } from "../../lab/slots.ts";

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
        await expect(Promise.all(all)).rejects.toThrow(
            /all 8 labs of this machine are in use \(slot 0: .*\/checkout-\d/,
        );
    });

    it.each(["UPPER", "../x", "a b", "x".repeat(32)])("refuse the name %j", (name) => {
        process.env.LINKMESH_LAB_NAME = name;
        expect(() => labName()).toThrow(LabError);
    });
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
