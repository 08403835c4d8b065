import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings.ts";
import { isIpv6 } from "../surfaces.ts";
import { SYSTEM_FACTS, type System } from "../systems.ts";
import { findImage } from "./lookups/image.ts";
import { findMachineType } from "./lookups/machine-type.ts";
import { message } from "./lookups/message.ts";
import { findDataVolume, findSnapshot } from "./lookups/storage.ts";
import { findZone, type Zone } from "./lookups/zone.ts";

/** What exists in the cloud already and decides what is created: plain data, known in the first preview. */
export interface Surroundings {
    /** The Route 53 zone for the records; undefined when they are made elsewhere. */
    readonly zone?: Zone;
    readonly imageId: string;
    readonly system: System;
    /** Of the machine, for an own subnet and the data volume. */
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
    const [zone, type, snapshotId, volume, subnet] = await Promise.all([
        settings.dns === "route53" ? findZone(settings, opts) : undefined,
        findMachineType(settings, opts),
        findSnapshot(name, settings, opts),
        findDataVolume(name, opts),
        findSubnet(settings, opts),
    ]);
    const image = await findImage(settings, type.architecture, opts);
    const availabilityZone = placeOf(settings, type.availabilityZones, subnet, volume);
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
        availabilityZone,
        subnet,
        ipv6,
        snapshotId,
    };
}

type Subnet = Awaited<ReturnType<typeof findSubnet>>;
type DataVolume = Awaited<ReturnType<typeof findDataVolume>>;

/** The availability zone of the machine. Where a data volume is there already, it is the volume's: nobody moves that. */
function placeOf({ instanceType, subnetId }: Settings, offered: string[], subnet: Subnet, volume: DataVolume): string {
    if (subnet && volume && subnet.availabilityZone !== volume.availabilityZone) {
        throw new pulumi.RunError(
            `subnetId: ${subnetId} lies in ${subnet.availabilityZone}, but the stack's data volume in ${volume.availabilityZone}; name a subnet there, or destroy the stack with finalSnapshot=true and make it anew with restoreFrom=latest.`,
        );
    }
    const place = subnet?.availabilityZone ?? volume?.availabilityZone ?? offered[0]!;
    if (!offered.includes(place)) {
        throw new pulumi.RunError(
            `instanceType: ${instanceType} is not offered in ${place}, where ${subnet ? subnetId : "the stack's data volume"} is; choose another type.`,
        );
    }
    return place;
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
