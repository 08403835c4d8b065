import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { OPERATING_SYSTEM_FACTS, type OperatingSystem } from "../operating-systems.ts";

export interface MachineArgs {
    /** The image, for example from a lookup. */
    imageId: pulumi.Input<string>;
    /** True when the user named the image: then a change of it replaces the machine. Otherwise it only counts at creation. */
    imagePinned: boolean;
    /** GiB of the root disk, at least the image's. */
    rootVolumeSize: number;
    /** That of the image; a change replaces the machine. */
    operatingSystem: OperatingSystem;
    /** The subnet has IPv6. */
    ipv6: boolean;
    /** Have a public IPv4 address, and not only the subnet's. */
    publicAddress: boolean;
    /** Instance profile whose role programs on the machine have. Default: none. */
    instanceProfile?: pulumi.Input<string>;
    /** For example "t3.small". A change replaces the machine, so that another architecture works too. */
    instanceType: pulumi.Input<string>;
    /** What a burstable instance type does without CPU credits. Default: what AWS does, "unlimited" for t3 and t4g. */
    cpuCredits?: "standard" | "unlimited";
    subnetId: pulumi.Input<string>;
    securityGroupIds: pulumi.Input<pulumi.Input<string>[]>;
    /** cloud-init user data. A change replaces the machine. Kept as a secret: it holds the SSH host key. */
    userData: pulumi.Input<string>;
    /** GiB. About $0.08 a GiB a month. */
    dataVolumeSize: pulumi.Input<number>;
    /** Tags of the data volume alone, by which its snapshots are found. */
    dataVolumeTags: Readonly<Record<string, string>>;
    /** What a new data volume is made from. An existing one stays. Default: blank. */
    snapshotId?: pulumi.Input<string>;
    /** Keep a snapshot of the data volume when it is deleted. */
    finalSnapshot: boolean;
    /** Addresses and data volume only. */
    paused: boolean;
    /** Refuse to delete or replace addresses and data volume. */
    protect: boolean;
    availabilityZone: pulumi.Input<string>;
    /** What must exist before an address works: gateway, routes, rules. */
    network: pulumi.Resource[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * The proxy machine on EC2. The network interface with its addresses and the data volume outlive the instance: a
 * replacement stops the old one, moves both, and starts the new one, so that there is never a second LinkMesh on one
 * database. A public IPv4 address costs about $3.65 a month.
 */
export class Machine extends pulumi.ComponentResource {
    /** The machine for the steps; undefined when paused. */
    readonly host: Host | undefined;
    /** The public address, or the subnet's without one. */
    readonly ipv4: pulumi.Output<string>;
    /** Undefined in a subnet without IPv6. */
    readonly ipv6: pulumi.Output<string> | undefined;

    constructor(name: string, args: MachineArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Machine", name, {}, opts);
        const own = { name, args, tags: { ...args.tags, Name: name }, parent: this };
        const networkInterface = createInterface(own);
        const address = args.publicAddress ? createAddress(own, networkInterface) : undefined;
        const volume = createVolume(own);
        this.ipv4 = address?.address.publicIp ?? networkInterface.privateIp;
        this.ipv6 = args.ipv6 ? networkInterface.ipv6Addresses.apply((addresses) => addresses[0]!) : undefined;
        const reached = address ? [address.association] : [];
        const instance = args.paused ? undefined : createInstance(own, networkInterface, volume, reached);
        this.host = instance && {
            ipv4: this.ipv4,
            ipv6: this.ipv6,
            user: OPERATING_SYSTEM_FACTS[args.operatingSystem].user,
            // Its name does not depend on the order of attachment.
            device: volume.id.apply((id) => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`),
            machine: instance,
            ready: [...reached, attach(own, instance, volume)],
        };
        this.registerOutputs({ ipv4: this.ipv4, ipv6: this.ipv6, instanceId: instance?.id });
    }
}

interface Own {
    readonly name: string;
    readonly args: MachineArgs;
    readonly tags: Readonly<Record<string, string>>;
    readonly parent: pulumi.Resource;
}

function createInterface({ name, args, tags, parent }: Own) {
    return new aws.ec2.NetworkInterface(
        `${name}-interface`,
        {
            subnetId: args.subnetId,
            securityGroups: args.securityGroupIds,
            ipv6AddressCount: args.ipv6 ? 1 : undefined,
            description: "LinkMesh proxy",
            tags,
        },
        { parent, protect: args.protect, dependsOn: args.network },
    );
}

/** A public IPv4 address on the interface. */
function createAddress({ name, args, tags, parent }: Own, networkInterface: aws.ec2.NetworkInterface) {
    const dependsOn = args.network;
    const address = new aws.ec2.Eip(
        `${name}-address`,
        { domain: "vpc", tags },
        { parent, protect: args.protect, dependsOn },
    );
    const association = new aws.ec2.EipAssociation(
        `${name}-address-association`,
        { allocationId: address.allocationId, networkInterfaceId: networkInterface.id },
        { parent, dependsOn },
    );
    return { address, association };
}

function createVolume({ name, args, tags, parent }: Own) {
    return new aws.ebs.Volume(
        `${name}-data`,
        {
            availabilityZone: args.availabilityZone,
            size: args.dataVolumeSize,
            type: "gp3",
            encrypted: true,
            snapshotId: args.snapshotId,
            finalSnapshot: args.finalSnapshot,
            tags: { ...tags, ...args.dataVolumeTags, Name: `${name}-data` },
        },
        {
            parent,
            protect: args.protect,
            // The zone of an existing volume is where its data are; a lookup that answers otherwise must not move
            // it. Nor must a newer snapshot take the place of newer data.
            ignoreChanges: ["availabilityZone", "snapshotId"],
            // A last snapshot is part of it, and a second try would make a second one.
            customTimeouts: { delete: "60m" },
        },
    );
}

function createInstance(
    { name, args, tags, parent }: Own,
    networkInterface: aws.ec2.NetworkInterface,
    volume: aws.ebs.Volume,
    reached: readonly pulumi.Resource[],
) {
    return new aws.ec2.Instance(
        `${name}-instance`,
        {
            ami: args.imageId,
            instanceType: args.instanceType,
            creditSpecification: args.cpuCredits && { cpuCredits: args.cpuCredits },
            primaryNetworkInterface: { networkInterfaceId: networkInterface.id },
            userData: pulumi.secret(args.userData),
            userDataReplaceOnChange: true,
            iamInstanceProfile: args.instanceProfile,
            metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
            rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootVolumeSize, encrypted: true, tags },
            tags,
        },
        {
            parent,
            // One interface fits one instance: the old one goes first.
            deleteBeforeReplace: true,
            replaceOnChanges: ["instanceType"],
            // Another volume comes to another machine; the provider would leave this one stopped. So does
            // another system, although newer images of the same one are let pass.
            replacementTrigger: pulumi.interpolate`${volume.id} ${args.operatingSystem}`,
            ignoreChanges: args.imagePinned ? [] : ["ami", "rootBlockDevice.volumeSize"],
            // The volume goes after the machine that writes on it.
            dependsOn: [volume, ...reached],
        },
    );
}

function attach({ name, parent }: Own, instance: aws.ec2.Instance, volume: aws.ebs.Volume) {
    return new aws.ec2.VolumeAttachment(
        `${name}-data-attachment`,
        {
            deviceName: "/dev/sdf",
            instanceId: instance.id,
            volumeId: volume.id,
            // The volume leaves the machine when that is terminated, after it has shut down and unmounted. Without
            // this the provider would first detach, or stop, a machine that may be gone, and fail.
            skipDestroy: true,
        },
        { parent, deleteBeforeReplace: true, deletedWith: instance },
    );
}
