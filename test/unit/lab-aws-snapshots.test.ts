import { beforeEach, describe, expect, it } from "vitest";
import { takeSnapshot } from "../../lab/providers/aws/snapshots.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

const GET_SNAPSHOT = "aws:ebs/getSnapshot:getSnapshot";
const zone = { availabilityZone: "eu-central-1a" };

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

const snapshots = async () => Object.values((await cloud.state()).snapshots);
const snapshotOf = (volume: Made, tags: Record<string, string> = {}) =>
    cloud.store.change((state) => takeSnapshot(state, volume.id, "by hand", tags).id);

describe("a volume", () => {
    it("leaves a final snapshot with its tags if finalSnapshot is in its state", async () => {
        const volume = await cloud.make("Volume", { ...zone, size: 5, type: "gp3", encrypted: true, tags: { a: "b" } });
        expect(volume.outputs.finalSnapshot).toBe(false);
        const asked = await cloud.update(volume, { ...volume.inputs, finalSnapshot: true });
        await cloud.delete(asked);
        const [left] = await snapshots();
        expect(left).toMatchObject({ volumeId: volume.id, sizeGiB: 5, encrypted: true, description: "" });
        const { tags, volumes } = await cloud.state();
        expect(volumes).toEqual({});
        expect(tags).toEqual({ [left!.id]: { team: "infra", a: "b" } });
    });

    it("is looked up by its tags, with mostRecent the newest of several", async () => {
        const lookUp = (args: Values = {}) =>
            cloud.invoke("aws:ebs/getVolume:getVolume", { filters: [{ name: "tag:a", values: ["b"] }], ...args });
        await expect(lookUp()).rejects.toThrow("Your query returned no results");
        const first = await cloud.make("Volume", { ...zone, size: 5, tags: { a: "b" } });
        await cloud.make("Volume", { ...zone, size: 6, tags: { a: "c" } });
        expect(await lookUp()).toMatchObject({ id: first.id, availabilityZone: "eu-central-1a", size: 5 });
        const second = await cloud.make("Volume", { ...zone, size: 7, tags: { a: "b" } });
        await expect(lookUp()).rejects.toThrow("more than one result");
        expect(await lookUp({ mostRecent: true })).toMatchObject({ id: second.id });
        const inUse = [{ name: "status", values: ["in-use"] }];
        await expect(lookUp({ filters: inUse })).rejects.toThrow("no results");
        const all = async (args: Values) => (await cloud.invoke("aws:ebs/getEbsVolumes:getEbsVolumes", args)).ids;
        expect(await all({ tags: { a: "b" } })).toEqual([first.id, second.id]);
        expect(await all({ tags: { a: "b" }, filters: inUse })).toEqual([]);
    });

    it("leaves no final snapshot if only the program, and not the state, has finalSnapshot", async () => {
        const volume = await cloud.make("Volume", { ...zone, size: 5, type: "gp3" });
        expect(await cloud.diff(volume, { ...volume.inputs, finalSnapshot: true })).toEqual({
            changed: ["finalSnapshot"],
            replaces: [],
        });
        await cloud.delete(volume);
        expect(await snapshots()).toEqual([]);
    });

    it("refuses a change of only finalSnapshot, as AWS does, unless it is gp3", async () => {
        const volume = await cloud.make("Volume", { ...zone, size: 5 });
        const alone = cloud.update(volume, { ...volume.inputs, finalSnapshot: true });
        await expect(alone).rejects.toThrow("Must specify at least one of size, type, iops, throughput");
        await cloud.update(volume, { ...volume.inputs, size: 6, finalSnapshot: true });
    });

    it("takes its final snapshot before AWS reports that it is in use", async () => {
        const { card } = await cloud.network();
        const vm = await cloud.instance(card);
        const volume = await cloud.make("Volume", { ...zone, size: 5, type: "gp3", finalSnapshot: true });
        await cloud.make("VolumeAttachment", { deviceName: "/dev/sdf", instanceId: vm.id, volumeId: volume.id });
        await expect(cloud.delete(volume)).rejects.toThrow("VolumeInUse");
        expect(await snapshots()).toHaveLength(1);
    });

    it("is made from a snapshot, with the snapshot's size or a larger one", async () => {
        const source = await cloud.make("Volume", { ...zone, size: 5, encrypted: true });
        const snapshotId = await snapshotOf(source);
        const copy = await cloud.make("Volume", { ...zone, snapshotId });
        expect(copy.outputs).toMatchObject({ size: 5, snapshotId, encrypted: true });
        const larger = await cloud.make("Volume", { ...zone, snapshotId, size: 9 });
        expect(larger.outputs).toMatchObject({ size: 9, snapshotId });
        await expect(cloud.make("Volume", { ...zone, snapshotId, size: 4 })).rejects.toThrow(
            `api error InvalidParameterValue: Volume of size 4GB is smaller than snapshot '${snapshotId}', expect size >= 5GB`,
        );
        await expect(cloud.make("Volume", { ...zone, snapshotId: "snap-0123" })).rejects.toThrow(
            "creating EBS Volume: api error InvalidSnapshot.NotFound: The snapshot 'snap-0123' does not exist.",
        );
    });

    it("is replaced for another snapshot, but not if the snapshot is removed", async () => {
        const source = await cloud.make("Volume", { ...zone, size: 5 });
        const snapshotId = await snapshotOf(source);
        const copy = await cloud.make("Volume", { ...zone, size: 5, snapshotId });
        expect((await cloud.diff(copy, { ...zone, size: 5 })).changed).toEqual([]);
        expect((await cloud.diff(copy, { ...zone, size: 5, snapshotId: "snap-1" })).replaces).toEqual(["snapshotId"]);
        expect(source.outputs.snapshotId).toBe("");
        expect((await cloud.diff(source, { ...zone, size: 5, snapshotId })).replaces).toEqual(["snapshotId"]);
    });
});

describe("getSnapshot", () => {
    it("finds by tag, volume and status, with mostRecent the newest", async () => {
        const volume = await cloud.make("Volume", { ...zone, size: 5, encrypted: true });
        const first = await snapshotOf(volume, { stack: "dev", "aws:dlm:lifecycle-policy-id": "policy-1" });
        const second = await snapshotOf(volume, { stack: "dev" });
        await snapshotOf(await cloud.make("Volume", { ...zone, size: 7 }), { stack: "prod" });
        const filters = [
            { name: "tag:stack", values: ["dev"] },
            { name: "status", values: ["completed"] },
        ];
        const found = await cloud.invoke(GET_SNAPSHOT, { owners: ["self"], mostRecent: true, filters });
        expect(found).toMatchObject({
            id: second,
            snapshotId: second,
            volumeId: volume.id,
            volumeSize: 5,
            state: "completed",
            description: "by hand",
            encrypted: true,
            tags: { stack: "dev" },
            arn: `arn:aws:ec2:eu-central-1:000000000000:snapshot/${second}`,
            ownerId: "000000000000",
        });
        expect(found.startTime).toMatch(/^\d{4}-\d\d-\d\dT/);
        const ids = async (name: string, value: string) =>
            (await cloud.invoke("aws:ebs/getSnapshotIds:getSnapshotIds", { filters: [{ name, values: [value] }] })).ids;
        expect(await ids("tag:stack", "dev")).toEqual([second, first]);
        expect(await ids("snapshot-id", "snap-1")).toEqual([]);
        const named = await cloud.invoke(GET_SNAPSHOT, { snapshotIds: [first] });
        // The provider hides tags that AWS services set.
        expect(named.tags).toEqual({ stack: "dev" });
    });

    it.each<[args: Values, message: string]>([
        [{ filters: [{ name: "tag:stack", values: ["x"] }] }, "Your query returned no results. Please change your"],
        [{ owners: ["amazon"] }, "Your query returned no results"],
        [{ restorableByUserIds: ["123456789012"] }, "Your query returned no results"],
        [{ owners: ["self"] }, "Your query returned more than one result"],
        // Not a filter: everything matches.
        [{ tags: { stack: "x" } }, "Your query returned more than one result"],
        [{ snapshotIds: ["snap-1"] }, "reading EBS Snapshots: couldn't find resource"],
        [{ filters: [{ name: "colour", values: ["red"] }] }, "The filter 'colour' is invalid"],
        [{ volumeId: "vol-1" }, 'does not know the property "volumeId"'],
    ])("%j fails", async (args, message) => {
        const volume = await cloud.make("Volume", { ...zone, size: 5 });
        await snapshotOf(volume);
        await snapshotOf(volume);
        await expect(cloud.invoke(GET_SNAPSHOT, args)).rejects.toThrow(message);
    });
});
