import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { OperatingSystem } from "../operating-systems.ts";
import type { Settings } from "../settings/settings.ts";
import type { Lookups } from "./lookups/lookups.ts";

/** What every machine of a stack has in common, alone or as one of several. */
export interface InstanceArgs {
    imageId: pulumi.Input<string>;
    /** Whether a change of imageId replaces the machine. If false, imageId counts only when the machine is created. */
    imagePinned: boolean;
    /** GiB. At least the size of the image's root disk. */
    rootVolumeSize: number;
    /** The operating system of the image. A change replaces the machine. */
    operatingSystem: OperatingSystem;
    /** Instance profile with the role of programs on the machine. Default: none. */
    instanceProfile?: pulumi.Input<string>;
    /** For example "t3.small". A change replaces the machine, so that another architecture works too. */
    instanceType: pulumi.Input<string>;
    /** What a burstable instance type does when its CPU credits run out. Default: the account's default. */
    cpuCredits?: "standard" | "unlimited";
    /** cloud-init user data. A change replaces the machine. A secret, because it holds the private SSH host key. */
    userData: pulumi.Input<string>;
}

/** The arguments of a machine that come from settings and lookups alone. */
export function instanceArgs(settings: Settings, lookups: Lookups) {
    const { imageId, rootVolumeSize, operatingSystem } = lookups;
    return {
        ...{ imageId, rootVolumeSize, operatingSystem },
        instanceType: settings.instanceType,
        imagePinned: settings.imageId !== "",
        // "unlimited" is passed on although it is AWS's default: the provider ignores an argument that is removed, so a
        // change from "standard" would have no effect.
        cpuCredits: (lookups.burstable && settings.cpuCredits) || undefined,
    } satisfies Partial<InstanceArgs>;
}

/** How the instance is connected. */
type Connection = Pick<
    aws.ec2.InstanceArgs,
    | "primaryNetworkInterface"
    | "subnetId"
    | "vpcSecurityGroupIds"
    | "associatePublicIpAddress"
    | "ipv6AddressCount"
    | "tags"
>;

export function createInstance(
    name: string,
    args: InstanceArgs,
    { tags, ...connection }: Connection,
    opts: pulumi.CustomResourceOptions,
): aws.ec2.Instance {
    return new aws.ec2.Instance(
        name,
        {
            ...connection,
            ami: args.imageId,
            instanceType: args.instanceType,
            creditSpecification: args.cpuCredits && { cpuCredits: args.cpuCredits },
            userData: pulumi.secret(args.userData),
            userDataReplaceOnChange: true,
            iamInstanceProfile: args.instanceProfile,
            metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
            rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootVolumeSize, encrypted: true, tags },
            tags,
        },
        {
            // Another operating system replaces the instance, because a change of "ami" may be ignored.
            replacementTrigger: args.operatingSystem,
            ...opts,
            replaceOnChanges: ["instanceType"],
            ignoreChanges: [
                ...(opts.ignoreChanges ?? []),
                ...(args.imagePinned ? [] : ["ami", "rootBlockDevice.volumeSize"]),
            ],
        },
    );
}
