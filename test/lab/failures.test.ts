import { afterAll, beforeAll, describe } from "vitest";
import { badInput } from "./bad-input.ts";
import { lab, labOk, useLab } from "./lab.ts";
import { orderLimits } from "./order-limits.ts";
import { outages } from "./outages.ts";

// One stack that meets what can go wrong; after each failure the next `up` makes it whole again.
useLab("test-failures");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    await labOk("up");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("bad input", badInput);
describe("an outage", outages);
describe("Let's Encrypt's limits", orderLimits);
