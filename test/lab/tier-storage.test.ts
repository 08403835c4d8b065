import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectNothingLeft, lab, labOk, sets, useLab } from "./lab.ts";
import { ownStorage, removeOwnStorage, storage } from "./own-storage.ts";

// A stack whose LinkMesh keeps its state in a MongoDB and a Git remote of one's own, as those of a tier do.
useLab("test-storage");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    // With the packages in the image: how they are installed is no matter here.
    await labOk("up", ...sets({ ...(await ownStorage()), imageId: "ami-0debian13ownamd64" }));
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("a MongoDB and a Git remote of one's own", storage);

test("destroy leaves only the storage, which others have made", async () => {
    await labOk("destroy", "--stack");
    expectNothingLeft();
    expect((await labOk("status")).stdout).toContain("mongodb runs, git runs");
});

test("the storage is removed with its data, and does not start on a port that another program has", removeOwnStorage);
