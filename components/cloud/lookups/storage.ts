import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings.ts";
import { LOGIN_TAG } from "../login-key.ts";
import { DATA_TAG, dataTagValue } from "../snapshots.ts";
import { answer } from "./message.ts";

const LIVING = ["creating", "available", "in-use"];

/** The data volume that the stack has already, by its own tag; undefined before the first update, or if it cannot be told. @throws RunError */
export async function findDataVolume(name: string, opts: pulumi.InvokeOptions) {
    const tag = dataTagValue(name);
    const tagged = await volumesTagged(tag, LIVING, opts);
    const own = tagged.length > 1 ? await chooseVolume(tag, tagged, opts) : tagged[0];
    if (own === undefined) return undefined;
    const filters = [{ name: "volume-id", values: [own] }];
    const { id, availabilityZone, size, tags } = await answer(
        `the stack's data volume ${own} cannot be looked up`,
        "ec2:DescribeVolumes",
        aws.ebs.getVolume({ filters }, opts),
    );
    return { id, availabilityZone, size, loginKey: tags[LOGIN_TAG] };
}

/** Ids, in an order that AWS does not decide. None is an empty list, not an error whose words would have to be known. */
async function volumesTagged(tag: string, states: string[], opts: pulumi.InvokeOptions): Promise<string[]> {
    const filters = [
        { name: `tag:${DATA_TAG}`, values: [tag] },
        { name: "status", values: states },
    ];
    const { ids } = await answer(
        "the stack's data volume cannot be looked up",
        "ec2:DescribeVolumes",
        aws.ebs.getEbsVolumes({ filters }, opts),
    );
    return [...ids].sort();
}

/**
 * Of several the one that a machine has. An update that was killed leaves one behind, a restored copy is another. If no
 * machine has one, as when the stack is paused or a replacement has failed, an update goes on: the state knows its own.
 */
async function chooseVolume(tag: string, tagged: string[], opts: pulumi.InvokeOptions): Promise<string | undefined> {
    const [own, ...more] = await volumesTagged(tag, ["in-use"], opts);
    const carry = `carry the tag ${DATA_TAG}=${tag} of the stack's data volume`;
    if (more.length > 0) {
        throw new pulumi.RunError(
            `the volumes ${tagged.join(" and ")} all ${carry}, and more than one is attached to a machine, so the program cannot tell which it is; take the tag off all but the one that \`pulumi stack --show-ids\` shows, or off all if it shows none.`,
        );
    }
    if (own === undefined) {
        void pulumi.log.warn(
            `${tagged.join(" and ")} all ${carry}, and none is attached to a machine: settings are not compared with it before the update, and what an interrupted update has left behind costs money; \`npm run leftovers\` tells which that is.`,
        );
        return undefined;
    }
    void pulumi.log.warn(
        `${tagged.filter((id) => id !== own).join(" and ")} ${carry} ${own}, too, as what an interrupted update leaves behind: it costs money and is in the daily snapshots; delete it, or take the tag off.`,
    );
    return own;
}

/** Only what carries this stack's own tag: another host's data would bring that host's identity along. */
export async function findSnapshot(
    name: string,
    { restoreFrom, dataVolumeSize }: Settings,
    opts: pulumi.InvokeOptions,
): Promise<string | undefined> {
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
    const [id] = (await answer(failure, right, aws.ebs.getSnapshotIds({ owners: ["self"], filters }, opts))).ids;
    if (id === undefined) {
        throw new pulumi.RunError(
            restoreFrom === "latest"
                ? `restoreFrom: there is no completed snapshot with the tag ${DATA_TAG}=${owner} in this region; name a snapshot, or remove the setting to use the data volume that exists or a blank one.`
                : `restoreFrom: there is no completed snapshot ${restoreFrom} in this account and region; name another, or remove the setting to use the data volume that exists or a blank one.`,
        );
    }
    const snapshot = await answer(failure, right, aws.ebs.getSnapshot({ snapshotIds: [id] }, opts));
    const tag = snapshot.tags[DATA_TAG];
    if (tag !== owner) {
        throw new pulumi.RunError(
            `restoreFrom: ${restoreFrom} ${tag === undefined ? "carries no owner" : `belongs to ${tag}`}; if its data are to become this stack's, give it the tag ${DATA_TAG}=${owner}.`,
        );
    }
    if (snapshot.volumeSize > dataVolumeSize) {
        throw new pulumi.RunError(
            `dataVolumeSize: ${dataVolumeSize} is less than the ${snapshot.volumeSize} GiB of the snapshot ${snapshot.id}; set it to ${snapshot.volumeSize} or more.`,
        );
    }
    return snapshot.id;
}
