import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings.ts";
import { isIpv6, outside, publicNames, recordNames } from "../surfaces.ts";
import { SYSTEM_FACTS, systemOfImage, type System } from "../systems.ts";
import { DATA_TAG, dataTagValue } from "./snapshots.ts";

/** What exists in the cloud already and decides what is created: plain data, known in the first preview. */
export interface Surroundings {
    /** The Route 53 zone for the records; undefined when they are made elsewhere. */
    readonly zone?: { readonly id: string; readonly name: string };
    readonly imageId: string;
    readonly system: System;
    /** In which the instance type is offered; for an own subnet. */
    readonly availabilityZone: string;
    /** The existing subnet that the settings name. */
    readonly subnet?: { readonly id: string; readonly vpcId: string };
    /** The machine's subnet has IPv6. */
    readonly ipv6: boolean;
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
        settings.dns === "route53" ? findZone(settings, opts) : undefined,
        findMachineType(settings, opts),
        findSnapshot(name, settings, opts),
    ]);
    const [image, subnet] = await Promise.all([
        findImage(settings, machine.architecture, opts),
        findSubnet(settings, opts),
    ]);
    const stranger = zone && outside(zone.name, recordNames(settings));
    if (stranger !== undefined) {
        throw new pulumi.RunError(
            `${stranger} lies outside the hosted zone ${zone!.name}: choose a name that ends in .${zone!.name}.`,
        );
    }
    if (settings.uiDomain !== "" && !SYSTEM_FACTS[image.system].http2PerName) {
        throw new pulumi.RunError(
            `uiDomain: the nginx of ${SYSTEM_FACTS[image.system].label} is older than 1.25.1 and cannot offer HTTP/2 for one name alone; set image to debian-13, or remove uiDomain.`,
        );
    }
    const ipv6 = subnet?.ipv6 ?? true;
    const closed = (["httpsAllowedCidrs", "grpcAllowedCidrs"] as const).find(
        (list) => settings[list].length > 0 && settings[list].every((cidr) => isIpv6(cidr)),
    );
    if (!ipv6 && closed !== undefined) {
        throw new pulumi.RunError(
            `${closed} names IPv6 networks alone, but ${settings.subnetId} has no IPv6, so nobody could reach the port; name an IPv4 network, or a subnet with IPv6.`,
        );
    }
    return {
        zone,
        imageId: image.id,
        system: image.system,
        availabilityZone: subnet?.availabilityZone ?? machine.availabilityZone,
        subnet,
        ipv6,
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
    const asked = new Map<string, ReturnType<typeof zoneNamed>>();
    const ask = (name: string) => asked.get(name) ?? asked.set(name, zoneNamed(name, opts)).get(name)!;
    const names = publicNames(settings);
    const zones = await Promise.all(names.map((name) => closestZone(name, ask)));
    const missing = names.filter((_, i) => !zones[i]);
    if (missing.length > 0) {
        throw new pulumi.RunError(
            `domain: this AWS account has no public hosted zone that encloses ${missing.join(" and ")}; create one in Route 53, name it with hostedZone, or publish the names elsewhere with dns=external.`,
        );
    }
    const other = zones.findIndex((zone) => zone!.id !== zones[0]!.id);
    if (other > 0) {
        throw new pulumi.RunError(
            `hostedZone: ${names[0]} lies in the zone ${zones[0]!.name} and ${names[other]} in ${zones[other]!.name}; choose names of one zone.`,
        );
    }
    return zones[0]!;
}

/** The closest zone around a name. All are asked at once, for a preview's sake; what is wrong with those further up does not count. */
async function closestZone(name: string, ask: (name: string) => ReturnType<typeof zoneNamed>) {
    const labels = name.split(".");
    const names = labels.slice(0, -1).map((_, skip) => labels.slice(skip).join("."));
    for (const answer of await Promise.allSettled(names.map(ask))) {
        if (answer.status === "rejected") throw answer.reason;
        if (answer.value) return answer.value;
    }
    return undefined;
}

async function zoneNamed(name: string, opts: pulumi.InvokeOptions) {
    try {
        const zone = await aws.route53.getZone({ name, privateZone: false }, opts);
        return { id: zone.zoneId, name };
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
        throw new pulumi.RunError(
            `instanceType: ${instanceType} cannot be used here: ${message(error)}; choose one that the region offers.`,
        );
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

async function findImage(settings: Settings, architecture: "arm64" | "x86_64", opts: pulumi.InvokeOptions) {
    if (settings.imageId !== "") return pinnedImage(settings, architecture, opts);
    const system = settings.image || "debian-13";
    const { label, owner, imageName } = SYSTEM_FACTS[system];
    const name = imageName(architecture === "arm64" ? "arm64" : "amd64");
    const image = await aws.ec2
        .getAmi(
            {
                owners: [owner],
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
                `imageId: no ${label} image ${name} found in this region (${message(error)}); name an image with imageId.`,
            );
        });
    return { id: image.id, system };
}

/** The named image, its system told by its name or by the setting; what does not fit the machine is refused. */
async function pinnedImage(settings: Settings, architecture: string, opts: pulumi.InvokeOptions) {
    const { imageId, instanceType } = settings;
    const image = await aws.ec2
        .getAmi({ includeDeprecated: true, filters: [{ name: "image-id", values: [imageId] }] }, opts)
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `imageId: ${imageId} cannot be used in this region: ${message(error)}; name another image, or remove the setting to have the newest.`,
            );
        });
    if (image.architecture !== architecture) {
        throw new pulumi.RunError(
            `imageId: ${imageId} is for ${image.architecture}, but ${instanceType} is ${architecture}; choose an image or an instanceType of the other architecture.`,
        );
    }
    const told = systemOfImage(image.name);
    if (told !== undefined && settings.image !== "" && settings.image !== told) {
        throw new pulumi.RunError(
            `image: ${imageId} is ${image.name} and not ${settings.image}; set image to ${told}, or remove it.`,
        );
    }
    const system = told ?? settings.image;
    if (system === "") {
        throw new pulumi.RunError(
            `image: the name of ${imageId}, ${image.name}, does not tell its system; set image to debian-13, debian-12 or ubuntu-24.04.`,
        );
    }
    return { id: image.id, system };
}

async function findSubnet({ subnetId }: Settings, opts: pulumi.InvokeOptions) {
    if (subnetId === "") return undefined;
    const subnet = await aws.ec2.getSubnet({ id: subnetId }, opts).catch((error: unknown) => {
        throw new pulumi.RunError(
            `subnetId: ${subnetId} cannot be used: ${message(error)}; name a subnet of this account and region, or remove the setting to have a network made.`,
        );
    });
    return {
        id: subnet.id,
        vpcId: subnet.vpcId,
        availabilityZone: subnet.availabilityZone,
        ipv6: Boolean(subnet.ipv6CidrBlock),
    };
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
