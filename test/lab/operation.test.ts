import { afterAll, beforeAll, describe } from "vitest";
import { aptSource } from "./apt-source.ts";
import { databasePath } from "./database-path.ts";
import { destroy } from "./destroy.ts";
import { doctor } from "./doctor.ts";
import { endpoints } from "./endpoints.ts";
import { guideRenewal } from "./guide-renewal.ts";
import { health } from "./health.ts";
import { killedUp } from "./killed-up.ts";
import { lab, labOk, proveProcesses } from "./lab.ts";
import type { Run } from "./run.ts";
import { noChange } from "./no-change.ts";
import { packageUpgrades } from "./package-upgrades.ts";
import { renewal } from "./renewal.ts";
import { settingChanges } from "./setting-changes.ts";

// One lab for all, in the order of a stack's life: each part finds it as the one before left it, and leaves it whole.
let up: Run;
proveProcesses();

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    up = await labOk("up");
});

// Also after a failed test: nothing of the lab stays behind.
afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("after up", () => endpoints(() => up));
describe("the health URL", health);
describe("a second up", noChange);
describe("doctor", doctor);
describe("renewal", renewal);
describe("the guide's renewal", guideRenewal);
describe("a changed setting", settingChanges);
describe("LinkMesh's database", databasePath);
describe("an up that is killed", killedUp);
describe("months without an operator", packageUpgrades);
describe("LinkMesh from an APT source", aptSource);
describe("destroy", destroy);
