import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StorageSettings } from "../../lab/storage/settings.ts";
import { fenceRoutes, leftovers, withoutNewLabs } from "./lab-leftovers.ts";
import { expectNothingLeft, lab, labOk, theLab, useLab } from "./lab.ts";
import type { Run } from "./run.ts";
import { certificates } from "./tier/certificates.ts";
import { faults } from "./tier/faults.ts";
import { faultyStart } from "./tier/faulty-start.ts";
import { rolls } from "./tier/rolls.ts";
import { storage } from "./tier/stack.ts";
import { surfaces } from "./tier/surfaces.ts";

// Two machines behind a load balancer, in the order of a stack's life: each part finds them as the one before left them.
useLab("test-tier");

let found: StorageSettings;
let up: Run;

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    found = await storage();
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("a MongoDB that does not answer", () =>
    faultyStart(
        () => found,
        (run) => (up = run),
    ));
describe("after up", () => surfaces(() => up));
describe("a node that fails", faults);
describe("a rolling change", () => rolls(() => found));
describe("a certificate", certificates);
test("destroy leaves nothing, in the cloud and on this machine", async () => {
    await labOk("destroy", "--stack");
    expectNothingLeft();
    const destroyed = theLab();
    const left = await withoutNewLabs(async () => {
        await labOk("destroy");
        return Object.values(await leftovers(destroyed)).flat();
    });
    expect([...left, ...(await fenceRoutes())]).toEqual([]);
});
