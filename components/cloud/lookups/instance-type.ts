import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { lookedUp } from "./failure.ts";

export type InstanceType = Awaited<ReturnType<typeof findInstanceType>>;

/**
 * What the lookups and the machine need to know about the instance type. Availability zones are sorted.
 * @throws RunError if the type is not offered in the region, or if its disks have no stable device names
 */
export async function findInstanceType({ instanceType }: Settings, opts: pulumi.InvokeOptions) {
    const failure = `instanceType: ${instanceType} cannot be looked up`;
    const described = lookedUp(failure, "ec2:DescribeInstanceTypes", aws.ec2.getInstanceType({ instanceType }, opts));
    // A type that does not exist is offered nowhere, and that error is reported instead.
    described.catch(() => undefined);
    // Offerings include the Local and Wavelength Zones that the account has opted in to. Those sort first, so they are filtered out.
    const zones = lookedUp(
        "availabilityZone: the region's availability zones cannot be looked up",
        "ec2:DescribeAvailabilityZones",
        aws.getAvailabilityZones({ filters: [{ name: "zone-type", values: ["availability-zone"] }] }, opts),
    );
    zones.catch(() => undefined);
    const { locations } = await lookedUp(
        failure,
        "ec2:DescribeInstanceTypeOfferings",
        aws.ec2.getInstanceTypeOfferings(
            { locationType: "availability-zone", filters: [{ name: "instance-type", values: [instanceType] }] },
            opts,
        ),
    );
    const availabilityZones = [...(await zones).names].sort();
    const offered = [...locations].sort();
    if (!offered.some((zone) => availabilityZones.includes(zone))) {
        throw new pulumi.RunError(
            `instanceType: ${instanceType} is not offered in this region. Choose another type, or another aws:region.`,
        );
    }
    const type = await described;
    if (type.hypervisor === "xen") {
        throw new pulumi.RunError(
            `instanceType: ${instanceType} belongs to an older generation, on which a data volume has no stable device name. Choose a Nitro type such as t3.small.`,
        );
    }
    const architecture = type.supportedArchitectures.includes("arm64") ? ("arm64" as const) : ("x86_64" as const);
    return {
        architecture,
        availabilityZones,
        offered,
        bootModes: type.bootModes,
        burstable: type.burstablePerformanceSupported,
        needsEna: type.enaSupport === "required",
        recoverable: type.autoRecoverySupported,
    };
}
