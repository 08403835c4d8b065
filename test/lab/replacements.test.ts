import { afterAll, beforeAll, describe } from "vitest";
import { hostName } from "./host-name.ts";
import { keptData } from "./kept-data.ts";
import { lab, labOk, useLab } from "./lab.ts";
import { linkmeshUpgrade } from "./linkmesh-upgrade.ts";
import { machineReplacement } from "./machine-replacement.ts";

// One stack whose machine, host name and LinkMesh are replaced, one after the other.
useLab("test-replacements");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    // A new machine gets it before LinkMesh and its user.
    await labOk("up", "--set", 'linkmeshFiles={"git-key":"kept"}');
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("another machine", machineReplacement);
describe("another host name", hostName);
describe("another version of LinkMesh", linkmeshUpgrade);
describe("kept data", keptData);
