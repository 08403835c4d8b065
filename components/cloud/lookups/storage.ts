import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { LOGIN_TAG } from "../login-key.ts";
import { DOMAIN_TAG, dataTagValue } from "../snapshots.ts";
import { DATA_TAG } from "../stack-tag.ts";
import { lookedUp } from "./failure.ts";

const EXISTING_STATES = ["creating", "available", "in-use"];

type DataVolume = Awaited<ReturnType<typeof describeVolume>>;

/** The stack's existing data volume, by its tag; undefined before the first update, or if it is ambiguous. @throws RunError */
export async function findDataVolume(
    name: string,
    { domain }: Settings,
    opts: pulumi.InvokeOptions,
): Promise<DataVolume | undefined> {
    const tag = dataTagValue(name);
    const ids = await volumesTagged(tag, EXISTING_STATES, opts);
    const tagged = await Promise.all(ids.map((id) => describeVolume(id, opts)));
    if (tagged.length > 1) return chooseVolume(tag, domain, tagged, opts);
    const [own] = tagged;
    if (own?.domain !== undefined && own.domain !== domain) {
        void pulumi.log.warn(
            `domain: the data volume with this stack's tag, ${own.id}, belongs to ${own.domain}. Continue if you rename ${own.domain} to ${domain}. If the volume belongs to a stack of the same project and name in another organization or backend, stop and give this stack another name.`,
        );
    }
    return own;
}

/**
 * Ids of all volumes with the stack's tag. Only the engine's state tells which one is the stack's, if none is attached to a
 * machine.
 */
export function findKeptVolumes(name: string, opts: pulumi.InvokeOptions): Promise<string[]> {
    return volumesTagged(dataTagValue(name), EXISTING_STATES, opts);
}

/** Sorted ids. This lookup returns an empty list if there is no match; getVolume fails, with an error known only by its text. */
async function volumesTagged(tag: string, states: string[], opts: pulumi.InvokeOptions): Promise<string[]> {
    const filters = [
        { name: `tag:${DATA_TAG}`, values: [tag] },
        { name: "status", values: states },
    ];
    const { ids } = await lookedUp(
        "the stack's data volume cannot be looked up",
        "ec2:DescribeVolumes",
        aws.ebs.getEbsVolumes({ filters }, opts),
    );
    return [...ids].sort();
}

async function describeVolume(volumeId: string, opts: pulumi.InvokeOptions) {
    const { id, availabilityZone, size, tags } = await lookedUp(
        `the stack's data volume ${volumeId} cannot be looked up`,
        "ec2:DescribeVolumes",
        aws.ebs.getVolume({ filters: [{ name: "volume-id", values: [volumeId] }] }, opts),
    );
    return { id, availabilityZone, size, domain: tags[DOMAIN_TAG], loginKey: tags[LOGIN_TAG] };
}

/**
 * Chooses among several volumes by the domain, then by the attachment to a machine. The others may belong to a stack of the
 * same name, be left over from a killed update, or be a restored copy. If none is attached, because the stack is paused or a
 * replacement has failed, the update goes on: the state has the id of the right one.
 */
async function chooseVolume(tag: string, domain: string, tagged: DataVolume[], opts: pulumi.InvokeOptions) {
    const named = tagged.filter((volume) => volume.domain === domain);
    const possible = named.length > 0 ? named : tagged;
    const inUse = await volumesTagged(tag, ["in-use"], opts);
    const [own, ...more] = possible.length === 1 ? possible : possible.filter(({ id }) => inUse.includes(id));
    const names = (volumes: DataVolume[]) =>
        volumes.map((one) => (one.domain === undefined ? one.id : `${one.id} (${one.domain})`)).join(" and ");
    const carry = `carry the tag ${DATA_TAG}=${tag} of the stack's data volume`;
    if (more.length > 0) {
        throw new pulumi.RunError(
            `the volumes ${names(tagged)} all ${carry}, and more than one is attached to a machine. Remove the tag from all but the one that \`pulumi stack --show-ids\` shows. If the other belongs to another stack, give one of the two stacks another name instead.`,
        );
    }
    if (own === undefined) {
        void pulumi.log.warn(
            `${names(tagged)} all ${carry}, and none is attached to a machine, so settings cannot be compared with the volume before the update. Run \`npm run leftovers\`: it lists the ones that an interrupted update left behind, which cost money.`,
        );
        return undefined;
    }
    void pulumi.log.warn(
        `${names(tagged.filter((volume) => volume !== own))} ${carry} ${own.id}, too, so the daily snapshots include it. If an interrupted update left it behind, delete it, because it costs money. If it belongs to another stack of the same project and name, give one of the two stacks another name.`,
    );
    return own;
}

/** Accepts only a snapshot with this stack's tag, because the data of another stack include the identity of its machine. */
export async function findSnapshot(
    name: string,
    { restoreFrom, dataVolumeSize }: Settings,
    opts: pulumi.InvokeOptions,
) {
    if (restoreFrom === "") return undefined;
    const owner = dataTagValue(name);
    const wanted =
        restoreFrom === "latest"
            ? { name: `tag:${DATA_TAG}`, values: [owner] }
            : { name: "snapshot-id", values: [restoreFrom] };
    const filters = [{ name: "status", values: ["completed"] }, wanted];
    const failure = `restoreFrom: ${restoreFrom} cannot be looked up`;
    const right = "ec2:DescribeSnapshots";
    // The newest first.
    const [id] = (await lookedUp(failure, right, aws.ebs.getSnapshotIds({ owners: ["self"], filters }, opts))).ids;
    if (id === undefined) {
        throw new pulumi.RunError(
            restoreFrom === "latest"
                ? `restoreFrom: there is no completed snapshot with the tag ${DATA_TAG}=${owner} in this region. Name a snapshot, or remove the setting to use the existing data volume or a blank one.`
                : `restoreFrom: there is no completed snapshot ${restoreFrom} in this account and region. Name another, or remove the setting to use the existing data volume or a blank one.`,
        );
    }
    const snapshot = await lookedUp(failure, right, aws.ebs.getSnapshot({ snapshotIds: [id] }, opts));
    const tag = snapshot.tags[DATA_TAG];
    if (tag !== owner) {
        throw new pulumi.RunError(
            `restoreFrom: ${restoreFrom} ${tag === undefined ? "has no owner" : `belongs to ${tag}`}. To use its data for this stack, give it the tag ${DATA_TAG}=${owner}.`,
        );
    }
    if (snapshot.volumeSize > dataVolumeSize) {
        throw new pulumi.RunError(
            `dataVolumeSize: ${dataVolumeSize} is less than the ${snapshot.volumeSize} GiB of the snapshot ${snapshot.id}. Set it to ${snapshot.volumeSize} or more.`,
        );
    }
    return { id: snapshot.id, domain: snapshot.tags[DOMAIN_TAG] };
}

/** The newest snapshot may belong to another stack with the same tag. A snapshot set by its id is accepted. @throws RunError */
export function refuseForeignSnapshot(
    { restoreFrom, domain }: Settings,
    snapshot: { id: string; domain?: string },
): void {
    if (restoreFrom !== "latest" || snapshot.domain === undefined || snapshot.domain === domain) return;
    throw new pulumi.RunError(
        `restoreFrom: the newest snapshot with this stack's tag, ${snapshot.id}, holds the data of ${snapshot.domain}. To use them for ${domain}, set restoreFrom to ${snapshot.id}.`,
    );
}
