import { afterAll, beforeAll, describe } from "vitest";
import { aptSource } from "./apt-source.ts";
import { badInput } from "./bad-input.ts";
import { change } from "./setting-changes.ts";
import { crash } from "./killed-up.ts";
import { destroy } from "./destroy.ts";
import { faults } from "./outages.ts";
import { guideRenewal } from "./guide-renewal.ts";
import { lab, labOk, type Run } from "./lab.ts";
import { limits } from "./order-limits.ts";
import { plainPulumi } from "./plain-pulumi.ts";
import { renewal } from "./renewal.ts";
import { storage } from "./database-path.ts";
import { surfaces } from "./endpoints.ts";
import { unchanged } from "./no-change.ts";
import { upkeep } from "./package-upgrades.ts";

// One lab for all, in the order of a stack's life: each part finds it as the one before left it, and leaves it whole.
let up: Run;

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    up = await labOk("up");
});

// Also when a test above has failed: nothing of the lab stays behind.
afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("after up", () => surfaces(() => up));
describe("a second up", unchanged);
describe("renewal", renewal);
describe("the guide's renewal", guideRenewal);
describe("plain pulumi", plainPulumi);
describe("a change", change);
describe("bad input", badInput);
describe("LinkMesh's database", storage);
describe("what was cut", crash);
describe("surroundings that fail", faults);
describe("Let's Encrypt's limits", limits);
describe("months unattended", upkeep);
describe("LinkMesh from an APT source", aptSource);
describe("destroy", destroy);
