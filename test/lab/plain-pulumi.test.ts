import { afterAll, beforeAll, describe } from "vitest";
import { lab, labOk, useLab } from "./lab.ts";
import { plainPulumi } from "./plain-pulumi.ts";

// One stack that the lab has set up, and plain `pulumi` and the project's tools at work on it.
useLab("test-plain");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    await labOk("up");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("plain pulumi", plainPulumi);
