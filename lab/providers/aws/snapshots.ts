import { ACCOUNT, type CloudState, type Snapshot } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { newest, notFound } from "./lookup-results.ts";
import { filters, fits } from "./filters.ts";
import { ApiError, type CloudFunction, arn, find, newId } from "./resource-type.ts";

export const getSnapshot: CloudFunction = {
    inputs: {
        owners: { kind: "strings" },
        restorableByUserIds: { kind: "strings" },
        snapshotIds: { kind: "strings" },
        filters,
        mostRecent: { kind: "boolean" },
        // The provider does not send it, so it selects nothing.
        tags: { kind: "tags" },
    },
    call(cloud, args) {
        const { state } = cloud;
        const snapshot = newest(matching(state, args), args);
        const own = Object.entries(state.tags?.[snapshot.id] ?? {}).filter(([key]) => !key.startsWith("aws:"));
        return {
            ...args,
            id: snapshot.id,
            snapshotId: snapshot.id,
            arn: arn(cloud, "snapshot", snapshot.id),
            dataEncryptionKeyId: "",
            description: snapshot.description,
            encrypted: snapshot.encrypted,
            kmsKeyId: "",
            outpostArn: "",
            ownerAlias: "",
            ownerId: ACCOUNT,
            region: cloud.region,
            startTime: snapshot.startTime,
            state: "completed",
            storageTier: "standard",
            tags: Object.fromEntries(own),
            volumeId: snapshot.volumeId,
            volumeSize: snapshot.sizeGiB,
        };
    },
};

export const getSnapshotIds: CloudFunction = {
    inputs: { owners: { kind: "strings" }, restorableByUserIds: { kind: "strings" }, filters },
    call({ state, region }, args) {
        return { ...args, id: region, region, ids: matching(state, args).map(({ id }) => id) };
    },
};

/** Matching snapshots, newest first. */
function matching(state: CloudState, args: Values): Snapshot[] {
    const ids = args.snapshotIds as string[] | undefined;
    if (ids?.some((id) => !state.snapshots[id])) throw notFound("EBS Snapshots");
    return (
        Object.values(state.snapshots)
            .filter(({ id }) => ids === undefined || ids.includes(id))
            .filter(() => includesThisAccount(args.owners) && includesThisAccount(args.restorableByUserIds))
            .filter((snapshot) => fits(state, snapshot.id, attributesOf(snapshot), args))
            // A stable sort and then `reverse`, so that of equal times the last one made comes first.
            .sort((a, b) => a.startTime.localeCompare(b.startTime))
            .reverse()
    );
}

/** Adds a snapshot of a volume. The reconciler copies the volume before the change ends. */
export function takeSnapshot(
    state: CloudState,
    volumeId: string,
    description: string,
    tags: Record<string, string> = {},
): Snapshot {
    const { sizeGiB, encrypted = false } = find(state.volumes, volumeId, "InvalidVolume.NotFound", "volume");
    const id = newId("snap");
    const taken = { id, volumeId, sizeGiB, startTime: new Date().toISOString(), description, encrypted };
    state.snapshots[id] = taken;
    (state.tags ??= {})[id] = { ...tags };
    return taken;
}

export function findSnapshot(state: CloudState, id: string): Snapshot {
    const found = state.snapshots[id];
    if (!found) throw new ApiError("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
    return found;
}

/** The cloud has only this account's snapshots, and none is shared. */
function includesThisAccount(accounts: Values[string] | undefined): boolean {
    return !Array.isArray(accounts) || accounts.length === 0 || accounts.includes("self") || accounts.includes(ACCOUNT);
}

function attributesOf(snapshot: Snapshot): Record<string, string> {
    return {
        "snapshot-id": snapshot.id,
        "volume-id": snapshot.volumeId,
        "volume-size": String(snapshot.sizeGiB),
        "start-time": snapshot.startTime,
        "owner-id": ACCOUNT,
        "storage-tier": "standard",
        description: snapshot.description,
        encrypted: String(snapshot.encrypted),
        progress: "100%",
        status: "completed",
    };
}
