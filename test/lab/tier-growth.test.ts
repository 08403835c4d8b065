import { afterAll, beforeAll, describe, test } from "vitest";
import type { StorageSettings } from "../../lab/storage/settings.ts";
import { expectNothingLeft, lab, labOk, useLab } from "./lab.ts";
import { Growth, shrinking } from "./tier/growth.ts";
import { storage } from "./tier/stack.ts";

// One machine that becomes three, two, and one again.
useLab("test-tier-growth");

const growth = new Growth();
let found: StorageSettings;

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    found = await storage();
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("from one machine to three", () => growth.three(() => found));
describe("a node fewer", shrinking);
describe("back to one machine", () => growth.back());
test("destroy leaves nothing in the cloud", async () => {
    await labOk("destroy", "--stack");
    expectNothingLeft();
});
