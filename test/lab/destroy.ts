import { expect, test } from "vitest";
import { lab, labOk, theLab } from "./lab.ts";
import { fenceRoutes, leftovers, withoutNewLabs } from "./lab-leftovers.ts";

/** Nothing stays, in any state of the lab. */
export function destroy(): void {
    test("leaves nothing behind", async () => {
        const destroyed = theLab();
        const there = await leftovers(destroyed);
        for (const [kind, lines] of Object.entries(there)) {
            expect(lines, `${kind} of a lab that is up`).not.toEqual([]);
        }
        const empty = Object.fromEntries(Object.keys(there).map((kind) => [kind, []]));
        await withoutNewLabs(async () => {
            await labOk("destroy", "--ignore-protect");
            expect(await leftovers(destroyed)).toEqual(empty);
        });
        expect(await fenceRoutes()).toEqual([]);
    });

    test("a second one has nothing to do and says so", async () => {
        const run = await labOk("destroy");
        expect(run.stdout).toContain("nothing to destroy: this checkout has no lab");
    });

    test.each([["check"], ["renew"], ["ssh"], ["env"], ["snapshot"]])(
        "%s without a lab says how to make one",
        async (command) => {
            const run = await lab(command);
            expect(run.exitCode).not.toBe(0);
            expect(run.stderr).toMatch(/^error: .*npm run lab -- up/m);
        },
    );
}
