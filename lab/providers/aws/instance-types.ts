import { IMAGES, type Image } from "../../cloud/images.ts";
import { ApiError } from "./resource-type.ts";

/** What lookups return about an instance type. The lab's machines share the outer machine's resources. */
export interface InstanceType {
    name: string;
    architectures: string[];
    hypervisor: "nitro" | "xen";
    vcpus: number;
    memoryMiB: number;
    burstable: boolean;
}

type Family = Pick<InstanceType, "architectures" | "hypervisor" | "burstable"> & {
    sizes: Record<string, [vcpus: number, gib: number]>;
};

const BURSTABLE: Family["sizes"] = {
    nano: [2, 0.5],
    micro: [2, 1],
    small: [2, 2],
    medium: [2, 4],
    large: [2, 8],
    xlarge: [4, 16],
    "2xlarge": [8, 32],
};
const GENERAL: Family["sizes"] = { large: [2, 8], xlarge: [4, 16], "2xlarge": [8, 32], "4xlarge": [16, 64] };

const FAMILIES: Record<string, Family> = {
    t2: {
        architectures: ["i386", "x86_64"],
        hypervisor: "xen",
        burstable: true,
        sizes: { ...BURSTABLE, nano: [1, 0.5], micro: [1, 1], small: [1, 2] },
    },
    t3: { architectures: ["x86_64"], hypervisor: "nitro", burstable: true, sizes: BURSTABLE },
    t3a: { architectures: ["x86_64"], hypervisor: "nitro", burstable: true, sizes: BURSTABLE },
    t4g: { architectures: ["arm64"], hypervisor: "nitro", burstable: true, sizes: BURSTABLE },
    m7i: { architectures: ["x86_64"], hypervisor: "nitro", burstable: false, sizes: GENERAL },
    m7g: { architectures: ["arm64"], hypervisor: "nitro", burstable: false, sizes: { medium: [1, 4], ...GENERAL } },
};

export const FAMILY_NAMES = Object.keys(FAMILIES);

export const INSTANCE_TYPES: InstanceType[] = Object.entries(FAMILIES).flatMap(([family, { sizes, ...rest }]) =>
    Object.entries(sizes).map(([size, [vcpus, gib]]) => ({
        ...rest,
        name: `${family}.${size}`,
        vcpus,
        memoryMiB: gib * 1024,
    })),
);

export function findInstanceType(name: string): InstanceType | undefined {
    return INSTANCE_TYPES.find((type) => type.name === name);
}

/** As in real regions, a zone may not offer every type: zone a has no m7. */
export function isOffered(type: InstanceType, zone: string): boolean {
    return !(zone.endsWith("a") && type.name.startsWith("m7"));
}

export function findImage(imageId: string): Image {
    const image = IMAGES.find((item) => item.imageId === imageId);
    if (!image) throw new ApiError("InvalidAMIID.NotFound", `The image id '[${imageId}]' does not exist`);
    return image;
}

/** Refuses an instance type that does not exist, does not fit the image, or is not available in the zone. */
export function refuseType(instanceType: string, image: Image, zone: string): void {
    const type = findInstanceType(instanceType);
    if (!type) {
        throw new ApiError(
            "InvalidParameterValue",
            `Invalid value '${instanceType}' for InstanceType (the lab knows the families ${FAMILY_NAMES.join(", ")}).`,
        );
    }
    if (!type.architectures.includes(image.architecture)) {
        throw new ApiError(
            "InvalidParameterValue",
            `The architecture '${type.architectures.join(",")}' of the specified instance type does not match the architecture ` +
                `'${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures.`,
        );
    }
    if (!isOffered(type, zone)) {
        throw new ApiError(
            "Unsupported",
            `Your requested instance type (${instanceType}) is not supported in your requested Availability Zone (${zone}).`,
        );
    }
    if (!hasCapacity(type, zone)) {
        throw new ApiError(
            "InsufficientInstanceCapacity",
            `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${zone}). ` +
                "Our system will be working on provisioning additional capacity.",
        );
    }
}

/** Whether a zone that offers the type has capacity for it: zone a is out of t3a.nano. */
function hasCapacity(type: InstanceType, zone: string): boolean {
    return !(zone.endsWith("a") && type.name === "t3a.nano");
}
