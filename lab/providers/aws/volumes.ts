import type { CloudState, Volume } from "../../cloud/state.ts";
import { type CheckFailure, ProviderError } from "../provider.ts";
import { type Values, equal } from "../property-values.ts";
import { newest } from "./lookup-results.ts";
import { filters, fits } from "./filters.ts";
import { findInstance, refuseGone, zoneOf } from "./instances.ts";
import { stop } from "./instance-network.ts";
import { model } from "./models.ts";
import {
    ApiError,
    type CloudFunction,
    type ResourceType,
    arn,
    derivedId,
    find,
    newId,
    optionalText,
    text,
} from "./resource-type.ts";
import { between } from "./schema.ts";
import { findSnapshot, takeSnapshot } from "./snapshots.ts";
import { type VolumeWish, canProvision, checkVolumeType, refuseVolume } from "./volume-types.ts";
import { zonesOf } from "./zones.ts";

export const volume: ResourceType = {
    label: "EBS Volume",
    inputs: {
        availabilityZone: { kind: "string", required: true, forceNew: true },
        size: { kind: "integer", computed: true },
        type: { kind: "string", computed: true, model: model("ec2", "CreateVolume", "VolumeType") },
        iops: { kind: "integer", computed: true },
        throughput: { kind: "integer", computed: true, invalid: between(125, 2000) },
        encrypted: { kind: "boolean", computed: true, forceNew: true },
        snapshotId: { kind: "string", computed: true, forceNew: true },
        finalSnapshot: { kind: "boolean", default: false },
        tags: { kind: "tags" },
    },
    // AWS chooses size and snapshotId if they are absent.
    outputs: ["arn", "region", "createTime", "size", "snapshotId"],
    check(inputs, isNew): CheckFailure[] {
        const failures = isNew ? checkVolumeType(inputs) : [];
        if (inputs.size !== undefined || inputs.snapshotId !== undefined) return failures;
        return [...failures, { property: "", reason: "give at least one of size and snapshotId" }];
    },
    refuses(olds, news) {
        const { size } = news;
        if (typeof size !== "number" || typeof olds.size !== "number" || size >= olds.size) return undefined;
        return `api error InvalidParameterValue: New size cannot be smaller than existing size (${olds.size} GiB, wanted ${size} GiB)`;
    },
    create({ state, region }, inputs) {
        const zone = text(inputs, "availabilityZone");
        if (!zonesOf(region).includes(zone)) {
            throw new ApiError("InvalidZone.NotFound", `The zone '${zone}' does not exist.`);
        }
        const snapshotId = optionalText(inputs, "snapshotId");
        const source = snapshotId === undefined ? undefined : findSnapshot(state, snapshotId);
        const sizeGiB = (inputs.size as number | undefined) ?? source!.sizeGiB;
        if (source && sizeGiB < source.sizeGiB) {
            throw new ApiError(
                "InvalidParameterValue",
                `Volume of size ${sizeGiB}GB is smaller than snapshot '${source.id}', expect size >= ${source.sizeGiB}GB`,
            );
        }
        refuseVolume(wishOf(inputs, sizeGiB));
        const id = newId("vol");
        // A volume from an encrypted snapshot is encrypted too.
        const encrypted = inputs.encrypted === true || source?.encrypted === true;
        state.volumes[id] = { id, sizeGiB, availabilityZone: zone, encrypted, snapshotId };
        return id;
    },
    async update(change, id, news, olds) {
        const asked = ["size", "type", "iops", "throughput"].some((name) => news[name] !== olds[name]);
        if (news.finalSnapshot !== olds.finalSnapshot && !asked && news.type !== "gp3") {
            // The provider does not send finalSnapshot, but calls ModifyVolume without parameters, which AWS refuses. For
            // gp3 the provider sends the throughput again, so the call succeeds.
            throw new ApiError(
                "InvalidParameterValue",
                "Invalid input: Must specify at least one of size, type, iops, throughput or multi-attach.",
            );
        }
        await change(({ state }) => {
            const target = findVolume(state, id);
            const wanted = (news.size as number | undefined) ?? target.sizeGiB;
            if (wanted < target.sizeGiB) {
                throw new ApiError("InvalidParameterValue", "New size cannot be smaller than existing size");
            }
            refuseVolume(wishOf(news, wanted));
            target.sizeGiB = wanted;
        });
    },
    removesUnseen: true,
    async remove(change, id, old) {
        if (old.finalSnapshot === true) {
            await change(({ state }) => takeSnapshot(state, id, "", old.tagsAll as Record<string, string> | undefined));
        }
        await change(({ state }) => {
            const holder = state.volumes[id]?.attachment?.instanceId;
            if (holder) throw new ApiError("VolumeInUse", `Volume ${id} is currently attached to ${holder}`);
            delete state.volumes[id];
        });
    },
    describe(cloud, id, inputs) {
        const found = cloud.state.volumes[id];
        return (
            found && {
                arn: arn(cloud, "volume", id),
                availabilityZone: found.availabilityZone,
                size: found.sizeGiB,
                type: inputs.type ?? "gp2",
                encrypted: found.encrypted ?? inputs.encrypted ?? false,
                snapshotId: found.snapshotId ?? "",
                iops: inputs.iops ?? (inputs.type === "gp3" ? 3000 : 100),
                throughput: inputs.throughput ?? (inputs.type === "gp3" ? 125 : 0),
                createTime: "",
            }
        );
    },
};

export const getVolume: CloudFunction = {
    inputs: { filters, mostRecent: { kind: "boolean" }, tags: { kind: "tags" } },
    call(cloud, args) {
        const { id } = newest(matching(cloud.state, args).reverse(), args);
        return { ...args, ...volume.describe(cloud, id, {}), id, volumeId: id, tags: cloud.state.tags?.[id] ?? {} };
    },
};

export const getEbsVolumes: CloudFunction = {
    inputs: { filters, tags: { kind: "tags" } },
    call({ state, region }, args) {
        const wanted = Object.entries((args.tags ?? {}) as Record<string, string>);
        const found = matching(state, args).filter(({ id }) =>
            wanted.every(([key, value]) => state.tags?.[id]?.[key] === value),
        );
        return { ...args, id: region, region, ids: found.map(({ id }) => id) };
    },
};

/** Matching volumes, in the order of their creation. */
function matching(state: CloudState, args: Values): Volume[] {
    return Object.values(state.volumes).filter((item) => fits(state, item.id, volumeAttributes(item), args));
}

function wishOf({ type, iops, throughput }: Values, sizeGiB: number): VolumeWish {
    const choice = canProvision((type ?? "gp2") as string);
    return {
        sizeGiB,
        type: type as string | undefined,
        // The provider sends only changed values, so a change to a type without iops does not send the old ones.
        iops: choice.iops ? (iops as number | undefined) : undefined,
        throughput: choice.throughput ? (throughput as number | undefined) : undefined,
    };
}

function volumeAttributes({ id, availabilityZone, attachment }: Volume): Record<string, string> {
    return { "volume-id": id, "availability-zone": availabilityZone, status: attachment ? "in-use" : "available" };
}

export const volumeAttachment: ResourceType = {
    label: "EBS Volume Attachment",
    inputs: {
        deviceName: { kind: "string", required: true, forceNew: true, invalid: deviceName },
        instanceId: { kind: "string", required: true, forceNew: true },
        volumeId: { kind: "string", required: true, forceNew: true },
        stopInstanceBeforeDetaching: { kind: "boolean" },
        forceDetach: { kind: "boolean" },
        skipDestroy: { kind: "boolean" },
    },
    outputs: ["region"],
    create({ state }, inputs) {
        const target = findVolume(state, text(inputs, "volumeId"));
        const machine = findInstance(state, text(inputs, "instanceId"));
        const attachment = { instanceId: machine.id, deviceName: text(inputs, "deviceName") };
        // The provider first checks whether the volume is attached already.
        if (equal(target.attachment, attachment)) return attachmentId(target);
        if (target.attachment) {
            throw new ApiError("VolumeInUse", `${target.id} is already attached to an instance`);
        }
        if (target.availabilityZone !== zoneOf(state, machine.networkInterfaceId)) {
            throw new ApiError(
                "InvalidVolume.ZoneMismatch",
                `The volume '${target.id}' is not in the same availability zone as instance '${machine.id}'`,
            );
        }
        const taken = Object.values(state.volumes).some(
            (item) =>
                item.attachment?.instanceId === machine.id && item.attachment.deviceName === attachment.deviceName,
        );
        if (taken) {
            throw new ApiError(
                "InvalidParameterValue",
                `Invalid value '${attachment.deviceName}' for unixDevice. Attachment point ${attachment.deviceName} is already in use`,
            );
        }
        target.attachment = attachment;
        return attachmentId(target);
    },
    async update() {
        // The three properties that can change have an effect only when the volume is detached.
    },
    removesUnseen: true,
    async remove(change, _id, state) {
        if (state.skipDestroy === true) return;
        const instanceId = text(state, "instanceId");
        const volumeId = text(state, "volumeId");
        if (state.stopInstanceBeforeDetaching === true) {
            await change((cloud) => {
                const reason = `This instance '${instanceId}' is not in a state from which it can be stopped.`;
                refuseGone(cloud.state, instanceId, reason);
                stop(cloud.state, findInstance(cloud.state, instanceId));
            });
        }
        await change((cloud) => {
            const target = findVolume(cloud.state, volumeId);
            // A volume that is not attached counts as detached.
            if (!target.attachment) return;
            if (target.attachment.instanceId !== instanceId) {
                throw new ApiError(
                    "InvalidAttachment.NotFound",
                    `The volume '${volumeId}' is not attached to instance '${instanceId}'.`,
                );
            }
            if (findInstance(cloud.state, instanceId).desired === "running" && state.forceDetach !== true) {
                throw new ProviderError(
                    `waiting for EBS Volume (${volumeId}) Attachment (${instanceId}) delete: unexpected state 'busy', wanted target ''`,
                );
            }
            delete target.attachment;
        });
    },
    describe({ state }, id) {
        const found = findAttached(state, id);
        return found?.attachment && { ...found.attachment, volumeId: found.id };
    },
};

export function findVolume(state: CloudState, id: string): Volume {
    return find(state.volumes, id, "InvalidVolume.NotFound", "volume");
}

function findAttached(state: CloudState, id: string): Volume | undefined {
    return Object.values(state.volumes).find((item) => item.attachment && attachmentId(item) === id);
}

function attachmentId(item: Volume): string {
    return derivedId("vai", item.id, item.attachment!.instanceId, item.attachment!.deviceName);
}

function deviceName(value: string): string | undefined {
    return /^\/dev\/(sd[f-p]|xvd[b-z])$/.test(value) ? undefined : `"${value}": AWS recommends /dev/sdf to /dev/sdp`;
}
