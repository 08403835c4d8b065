import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CloudState } from "../../lab/cloud/state.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

function recording() {
    const applied: CloudState[] = [];
    return { applied, cloud: TestCloud.create({ apply: (state) => Promise.resolve(void applied.push(state)) }) };
}

it("reads the file of an older version without snapshots", async () => {
    const { cloud } = recording();
    await cloud.network();
    const file = join(cloud.store.lab.dir, "cloud.json");
    const old = JSON.parse(readFileSync(file, "utf8")) as Partial<CloudState>;
    delete old.snapshots;
    writeFileSync(file, JSON.stringify(old));
    expect((await cloud.state()).snapshots).toEqual({});
    await cloud.store.change((state) => void Object.values(state.snapshots));
    expect((await cloud.state()).vpcs).toEqual(old.vpcs);
});

it("applies what machines see, but not what only the provider uses", async () => {
    const { cloud, applied } = recording();
    await cloud.store.change((state) => void ((state.tags ??= {})["vpc-1"] = { a: "b" }));
    expect(applied).toHaveLength(0);
    const snapshot = { id: "snap-1", volumeId: "vol-1", sizeGiB: 1, startTime: "", description: "", encrypted: false };
    await cloud.store.change((state) => void (state.snapshots[snapshot.id] = snapshot));
    expect(applied).toHaveLength(1);
});
