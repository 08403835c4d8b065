import { afterAll, beforeAll, describe } from "vitest";
import { interruptions } from "./interruptions.ts";
import { keep } from "./kept-data.ts";
import { lab, labOk, useLab } from "./lab.ts";
import { rename } from "./host-name.ts";
import { replace } from "./machine-replacement.ts";
import { upgrade } from "./linkmesh-upgrade.ts";

// A lab of its own, beside the one of main.test.ts: both spend their time with waiting for machines.
useLab("test-years");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    await labOk("up");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("interrupted work", interruptions);
describe("another machine", replace);
describe("another host name", rename);
describe("another LinkMesh", upgrade);
describe("what is kept", keep);
