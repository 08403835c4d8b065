import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings.ts";
import { DATA_TAG, dataTagValue } from "./snapshots.ts";

/** Debian's own AWS account, https://wiki.debian.org/Cloud/AmazonEC2Image */
const DEBIAN_OWNER = "136693071363";

/** What exists in the cloud already and decides what is created: plain data, known in the first preview. */
export interface Surroundings {
    readonly zoneId: string;
    readonly zoneName: string;
    readonly imageId: string;
    /** In which the instance type is offered; for an own subnet. */
    readonly availabilityZone: string;
    /** The existing subnet that the settings name. */
    readonly subnet?: { readonly id: string; readonly vpcId: string };
    /** From which a new data volume is made. */
    readonly snapshotId?: string;
}

/**
 * Looks up zone, image, subnet and snapshot, all before anything is created.
 * @param name that of the LinkMeshProxy to be; its snapshots are told from others' by it.
 * @throws RunError with one sentence that names the setting to change.
 */
export async function lookUp(name: string, settings: Settings, opts: pulumi.InvokeOptions = {}): Promise<Surroundings> {
    const [zone, machine, snapshotId] = await Promise.all([
        findZone(settings, opts),
        findMachineType(settings, opts),
        findSnapshot(name, settings, opts),
    ]);
    const [imageId, subnet] = await Promise.all([
        findImage(settings, machine.architecture, opts),
        findSubnet(settings, opts),
    ]);
    return {
        zoneId: zone.zoneId,
        zoneName: zone.name,
        imageId,
        availabilityZone: subnet?.availabilityZone ?? machine.availabilityZone,
        subnet,
        snapshotId,
    };
}

async function findZone(settings: Settings, opts: pulumi.InvokeOptions) {
    if (settings.hostedZone !== "") {
        const zone = await zoneNamed(settings.hostedZone, opts);
        if (zone) return zone;
        throw new pulumi.RunError(
            `hostedZone: this AWS account has no public hosted zone ${settings.hostedZone}; create it in Route 53 or name another.`,
        );
    }
    const labels = settings.domain.split(".");
    const names = labels.slice(0, -1).map((_, skip) => labels.slice(skip).join("."));
    // All at once, for a preview's sake; the closest one counts, and what is wrong with those further up does not.
    const answers = await Promise.allSettled(names.map((name) => zoneNamed(name, opts)));
    for (const answer of answers) {
        if (answer.status === "rejected") throw answer.reason;
        if (answer.value) return answer.value;
    }
    throw new pulumi.RunError(
        `domain: this AWS account has no public hosted zone that encloses ${settings.domain}; create one in Route 53 or name it with hostedZone.`,
    );
}

async function zoneNamed(name: string, opts: pulumi.InvokeOptions) {
    try {
        const zone = await aws.route53.getZone({ name, privateZone: false }, opts);
        return { zoneId: zone.zoneId, name };
    } catch (error) {
        const text = message(error);
        if (/no matching Route ?53/i.test(text)) return undefined;
        if (/multiple Route ?53/i.test(text)) {
            throw new pulumi.RunError(
                `hostedZone: this AWS account has several public hosted zones ${name}; delete the ones that are not in use.`,
            );
        }
        throw new pulumi.RunError(`hostedZone: looking up ${name} in Route 53 failed: ${text}`);
    }
}

/** Architecture and an availability zone of the instance type; refuses types whose disks have no stable names. */
async function findMachineType({ instanceType }: Settings, opts: pulumi.InvokeOptions) {
    const [type, offerings] = await Promise.all([
        aws.ec2.getInstanceType({ instanceType }, opts),
        aws.ec2.getInstanceTypeOfferings(
            { locationType: "availability-zone", filters: [{ name: "instance-type", values: [instanceType] }] },
            opts,
        ),
    ]).catch((error: unknown) => {
        throw new pulumi.RunError(`instanceType: ${instanceType} cannot be used here: ${message(error)}`);
    });
    if (type.hypervisor === "xen") {
        throw new pulumi.RunError(
            `instanceType: ${instanceType} is of an older generation, whose data volume has no stable device name; choose a Nitro type such as t3.small.`,
        );
    }
    const availabilityZone = [...offerings.locations].sort()[0];
    if (availabilityZone === undefined) {
        throw new pulumi.RunError(
            `instanceType: ${instanceType} is not offered in this region; choose another type or another aws:region.`,
        );
    }
    const architecture = type.supportedArchitectures.includes("arm64") ? ("arm64" as const) : ("x86_64" as const);
    return { architecture, availabilityZone };
}

async function findImage(
    { imageId }: Settings,
    architecture: "arm64" | "x86_64",
    opts: pulumi.InvokeOptions,
): Promise<string> {
    if (imageId !== "") return imageId;
    const name = `debian-13-${architecture === "arm64" ? "arm64" : "amd64"}-*`;
    const image = await aws.ec2
        .getAmi(
            {
                owners: [DEBIAN_OWNER],
                mostRecent: true,
                filters: [
                    { name: "name", values: [name] },
                    { name: "architecture", values: [architecture] },
                ],
            },
            opts,
        )
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `imageId: no Debian 13 image ${name} found in this region (${message(error)}); name an image with imageId.`,
            );
        });
    return image.id;
}

async function findSubnet({ subnetId }: Settings, opts: pulumi.InvokeOptions) {
    if (subnetId === "") return undefined;
    const subnet = await aws.ec2.getSubnet({ id: subnetId }, opts).catch((error: unknown) => {
        throw new pulumi.RunError(`subnetId: ${subnetId} cannot be used: ${message(error)}`);
    });
    if (!subnet.ipv6CidrBlock) {
        throw new pulumi.RunError(
            `subnetId: ${subnetId} has no IPv6 block; give it one, or leave subnetId out to get a VPC of its own.`,
        );
    }
    return { id: subnet.id, vpcId: subnet.vpcId, availabilityZone: subnet.availabilityZone };
}

/** Only what carries this stack's own tag: another host's data would bring that host's identity along. */
async function findSnapshot(
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
        if (!/no results|InvalidSnapshot\.NotFound/.test(text)) {
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

/** What the provider said, in one line and without the preambles of the engine and the bridge. */
function message(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return text
        .replace(/^[\s\S]*errors? occurred:\s*\* /, "")
        .replace(/^.*?(Invoke of '[^']*' failed|invocation of \S+ returned an error): /, "")
        .replace(/\s+/g, " ")
        .trim()
        .replace(/\.$/, "");
}
