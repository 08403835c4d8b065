import { expect, test } from "vitest";
import { lab, labOk } from "./lab.ts";
import { snapshot, type Snapshot } from "./leftovers.ts";

/** Nothing stays, whatever state it was in. */
export function destroy(before: () => Snapshot): void {
    test("leaves nothing behind", async () => {
        await labOk("destroy");
        expect(await snapshot()).toEqual(before());
    });

    test("a second one has nothing to do and says so", async () => {
        const run = await labOk("destroy");
        expect(run.stdout).toMatch(/nothing to destroy|has no lab/);
    });

    test.each([["check"], ["renew"], ["ssh"], ["env"]])("%s without a lab says how to make one", async (command) => {
        const run = await lab(command);
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(/^error: .*npm run lab -- up/m);
    });
}
