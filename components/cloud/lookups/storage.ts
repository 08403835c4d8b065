import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings.ts";
import { LOGIN_TAG } from "../login-key.ts";
import { DATA_TAG, dataTagValue } from "../snapshots.ts";
import { message } from "./message.ts";

const NO_RESULT = /no results|InvalidSnapshot\.NotFound/;

/** The data volume that the stack has already, by its own tag; undefined before the first update. @throws RunError */
export async function findDataVolume(name: string, opts: pulumi.InvokeOptions) {
    const filters = [
        { name: `tag:${DATA_TAG}`, values: [dataTagValue(name)] },
        { name: "status", values: ["creating", "available", "in-use"] },
    ];
    return aws.ebs.getVolume({ filters, mostRecent: true }, opts).then(
        ({ id, availabilityZone, size, tags }) => ({ id, availabilityZone, size, loginKey: tags[LOGIN_TAG] }),
        (error: unknown) => {
            if (NO_RESULT.test(message(error))) return undefined;
            throw new pulumi.RunError(`looking up the stack's data volume failed: ${message(error)}`);
        },
    );
}

/** Only what carries this stack's own tag: another host's data would bring that host's identity along. */
export async function findSnapshot(
    name: string,
    { restoreFrom, dataVolumeSize }: Settings,
    opts: pulumi.InvokeOptions,
): Promise<string | undefined> {
    if (restoreFrom === "") return undefined;
    const owner = dataTagValue(name);
    const filters = [{ name: "status", values: ["completed"] }];
    const query =
        restoreFrom === "latest"
            ? { filters: [...filters, { name: `tag:${DATA_TAG}`, values: [owner] }], mostRecent: true }
            : { filters, snapshotIds: [restoreFrom] };
    const snapshot = await aws.ebs.getSnapshot({ owners: ["self"], ...query }, opts).catch((error: unknown) => {
        const text = message(error);
        if (!NO_RESULT.test(text)) {
            throw new pulumi.RunError(`restoreFrom: looking up ${restoreFrom} failed: ${text}`);
        }
        throw new pulumi.RunError(
            restoreFrom === "latest"
                ? `restoreFrom: there is no completed snapshot with the tag ${DATA_TAG}=${owner} in this region; name a snapshot, or remove the setting to use the data volume that exists or a blank one.`
                : `restoreFrom: there is no completed snapshot ${restoreFrom} in this account and region; name another, or remove the setting to use the data volume that exists or a blank one.`,
        );
    });
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
