import { afterAll, beforeAll, describe } from "vitest";
import { interruptions } from "./interruptions.ts";
import { keep } from "./keep.ts";
import { lab, labOk, useLab } from "./lab.ts";
import { rename } from "./rename.ts";
import { replace } from "./replace.ts";
import { upgrade } from "./upgrade.ts";

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
