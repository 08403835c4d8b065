import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LabError, SLOTS, labAt } from "../../lab/lab.ts";
import { allocateLab, findLab, labName, lockLab, lockedBy, releaseLab } from "../../lab/labs.ts";
import { processIdentity, takeLock } from "../../lab/lock.ts";

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
    it("gives a checkout and name the same lab again, and others another one", () => {
        const one = allocateLab("/a", "default");
        expect(allocateLab("/a", "default").slot).toBe(one.slot);
        expect(findLab("/a", "default")?.slot).toBe(one.slot);
        expect(allocateLab("/a", "test").slot).not.toBe(one.slot);
        expect(findLab("/b", "default")).toBeUndefined();
    });

    it("uses a slot again after the lab has gone", () => {
        const one = allocateLab("/a", "default");
        mkdirSync(join(one.dir, "pulumi"));
        releaseLab(one);
        releaseLab(one);
        expect(existsSync(one.dir)).toBe(false);
        expect(allocateLab("/b", "default").slot).toBe(one.slot);
    });

    it("names the owners when all slots are taken", () => {
        expect(() => {
            for (let i = 0; i <= SLOTS; i++) allocateLab(`/checkout-${i}`, "default");
        }).toThrow(/all 8 labs of this machine are in use \(slot 0: .*\/checkout-\d/);
    });

    it.each(["UPPER", "../x", "a b", "x".repeat(32)])("refuses the name %j", (name) => {
        process.env.LINKMESH_LAB_NAME = name;
        expect(() => labName()).toThrow(LabError);
    });
});

describe("the lab's lock", () => {
    it("refuses a second command and names the first", () => {
        const lab = labAt(0);
        const unlock = lockLab(lab, "up");
        expect(() => lockLab(lab, "destroy")).toThrow(`\`lab up\` (process ${process.pid}) is changing this lab`);
        expect(lockedBy(lab)).toMatchObject({ pid: process.pid, doing: "up" });
        unlock();
        expect(lockedBy(lab)).toBeUndefined();
        lockLab(lab, "destroy")();
    });

    it.each([
        ["of a process that is gone", JSON.stringify({ pid: 4_000_000, doing: "up", identity: "x:1" })],
        ["of an earlier boot", JSON.stringify({ pid: process.pid, doing: "up", identity: "other-boot:1" })],
        ["that is no lock", "{"],
    ])("takes over a lock %s", (_, text) => {
        const path = join(root, "x.lock");
        writeFileSync(path, text);
        const release = takeLock(path, "up", () => new LabError("refused"));
        expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
            pid: process.pid,
            identity: processIdentity(process.pid),
        });
        release();
        expect(existsSync(path)).toBe(false);
    });
});
