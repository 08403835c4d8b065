import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { OPERATING_SYSTEM_FACTS } from "../operating-systems.ts";
import { createInstance, type InstanceArgs } from "./instance.ts";

export interface MachineArgs extends InstanceArgs {
    /** The subnet has IPv6. */
    ipv6: boolean;
    /** Whether to add a public IPv4 address to the subnet's private one. */
    publicAddress: boolean;
    subnetId: pulumi.Input<string>;
    securityGroupIds: pulumi.Input<pulumi.Input<string>[]>;
    /** GiB. About $0.08 a GiB a month. */
    dataVolumeSize: pulumi.Input<number>;
    /** Tags of the data volume only, by which its snapshots are found. */
    dataVolumeTags: Readonly<Record<string, string>>;
    /** Snapshot for a new data volume. An existing volume stays as it is. Default: the volume is empty. */
    snapshotId?: pulumi.Input<string>;
    /** Take a snapshot of the data volume when it is deleted. */
    finalSnapshot: boolean;
    /** Keep only addresses and data volume. */
    paused: boolean;
    /** Refuse to delete or replace addresses and data volume. */
    protect: boolean;
    availabilityZone: pulumi.Input<string>;
    /** What must exist before an address works: internet gateway, routes, rules of the security group. */
    network: pulumi.Resource[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** The name of the component, with which those of its resources begin. Pure. */
export const machineName = (linkmesh: string) => `${linkmesh}-machine`;

/**
 * The proxy machine on EC2. The data volume and the network interface with its addresses outlive the instance. A
 * replacement first terminates the old instance and then moves both to the new one, so two LinkMesh never share a database.
 * A public IPv4 address costs about $3.65 a month.
 */
export class Machine extends pulumi.ComponentResource {
    /** The machine for the steps; undefined when paused. */
    readonly host: Host | undefined;
    /** The public address; without one, the private address. */
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
        const associations = address ? [address.association] : [];
        const instance = args.paused ? undefined : startMachine(own, networkInterface, volume, associations);
        this.host = instance && {
            ipv4: this.ipv4,
            ipv6: this.ipv6,
            user: OPERATING_SYSTEM_FACTS[args.operatingSystem].user,
            // This name does not depend on the order in which volumes are attached.
            device: volume.id.apply((id) => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`),
            machine: instance,
            ready: [...associations, attach(own, instance, volume)],
        };
        this.registerOutputs({ ipv4: this.ipv4, ipv6: this.ipv6, instanceId: instance?.id });
    }
}

interface MachineParts {
    readonly name: string;
    readonly args: MachineArgs;
    readonly tags: Readonly<Record<string, string>>;
    readonly parent: pulumi.Resource;
}

function createInterface({ name, args, tags, parent }: MachineParts) {
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
function createAddress({ name, args, tags, parent }: MachineParts, networkInterface: aws.ec2.NetworkInterface) {
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

function createVolume({ name, args, tags, parent }: MachineParts) {
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
            // A volume cannot move, and neither another availability zone nor a newer snapshot may replace its data.
            ignoreChanges: ["availabilityZone", "snapshotId"],
            // Deleting includes the final snapshot. After a timeout, a second try would take a second snapshot.
            customTimeouts: { delete: "60m" },
        },
    );
}

function startMachine(
    { name, args, tags, parent }: MachineParts,
    networkInterface: aws.ec2.NetworkInterface,
    volume: aws.ebs.Volume,
    associations: readonly pulumi.Resource[],
) {
    return createInstance(
        `${name}-instance`,
        args,
        { primaryNetworkInterface: { networkInterfaceId: networkInterface.id }, tags },
        {
            parent,
            // An interface can be attached to only one instance.
            deleteBeforeReplace: true,
            // A replaced volume replaces the instance, too: otherwise the provider would stop it and not start it again.
            replacementTrigger: pulumi.interpolate`${volume.id} ${args.operatingSystem}`,
            // The volume is deleted after the machine that writes to it.
            dependsOn: [volume, ...associations],
        },
    );
}

function attach({ name, parent }: MachineParts, instance: aws.ec2.Instance, volume: aws.ebs.Volume) {
    return new aws.ec2.VolumeAttachment(
        `${name}-data-attachment`,
        {
            deviceName: "/dev/sdf",
            instanceId: instance.id,
            volumeId: volume.id,
            // Terminating the machine detaches the volume, after the shutdown has unmounted it. Without this, the
            // provider would first detach the volume or stop the machine, and fail if the machine is gone.
            skipDestroy: true,
        },
        { parent, deleteBeforeReplace: true, deletedWith: instance },
    );
}
