import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings/settings.ts";
import { checkSubnetZone } from "./lookups/availability-zone.ts";
import type { Lookups } from "./lookups/lookups.ts";
import { MOST_ZONES, ipv6SubnetBlock, subnetBlocks } from "./subnet-sizes.ts";

export interface NetworkArgs {
    /** IPv4 block of the VPC, for example "10.77.0.0/24". */
    cidrBlock: string;
    /** How many equal parts the block is cut into. Each subnet has one, so another number replaces all subnets. */
    parts: number;
    /** One public subnet in each, for example "eu-central-1a". Ignored after creation, because a subnet cannot move. */
    availabilityZones: readonly string[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** A subnet with routes to the internet in both families. */
export interface PublicSubnet {
    readonly id: pulumi.Output<string>;
    readonly availabilityZone: pulumi.Output<string>;
    readonly ipv4Block: string;
    readonly ipv6Block: pulumi.Output<string>;
}

/** A small dual-stack VPC: public subnets, an internet gateway, default routes in both families. Costs nothing by itself. */
export class Network extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    readonly subnets: readonly PublicSubnet[];
    /** Until these exist, no address in the subnets works. */
    readonly routes: pulumi.Resource[];

    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Network", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const vpc = new aws.ec2.Vpc(
            `${name}-vpc`,
            {
                cidrBlock: args.cidrBlock,
                assignGeneratedIpv6CidrBlock: true,
                enableDnsHostnames: true,
                enableDnsSupport: true,
                tags,
            },
            { parent: this },
        );
        const gateway = new aws.ec2.InternetGateway(`${name}-gateway`, { vpcId: vpc.id, tags }, { parent: this });
        const table = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: vpc.id, tags }, { parent: this });
        const blocks = subnetBlocks(args.cidrBlock, args.parts);
        const subnets = args.availabilityZones.map((availabilityZone, index) => {
            // The first has a name without a number, as the only one of most networks.
            const suffix = index === 0 ? "" : `-${index + 1}`;
            const subnet = new aws.ec2.Subnet(
                `${name}-subnet${suffix}`,
                {
                    vpcId: vpc.id,
                    cidrBlock: blocks[index]!,
                    ipv6CidrBlock: vpc.ipv6CidrBlock.apply((block) => ipv6SubnetBlock(block, index)),
                    availabilityZone,
                    tags,
                },
                { parent: this, ignoreChanges: ["availabilityZone"] },
            );
            const association = new aws.ec2.RouteTableAssociation(
                `${name}-routes-association${suffix}`,
                { subnetId: subnet.id, routeTableId: table.id },
                { parent: this },
            );
            return { subnet, association };
        });
        const route4 = new aws.ec2.Route(
            `${name}-route-ipv4`,
            { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
            { parent: this },
        );
        const route6 = new aws.ec2.Route(
            `${name}-route-ipv6`,
            { routeTableId: table.id, destinationIpv6CidrBlock: "::/0", gatewayId: gateway.id },
            { parent: this },
        );

        this.vpcId = vpc.id;
        this.subnets = subnets.map(({ subnet }, index) => ({
            id: subnet.id,
            availabilityZone: subnet.availabilityZone,
            ipv4Block: blocks[index]!,
            ipv6Block: subnet.ipv6CidrBlock,
        }));
        this.routes = [gateway, ...subnets.map(({ association }) => association), route4, route6];
        this.registerOutputs({ vpcId: this.vpcId, subnetId: this.subnets[0]!.id });
    }
}

/** The subnet of the machine: the one of subnetId, or one in a new network. */
export function joinNetwork(
    name: string,
    { settings, lookups, tags }: { settings: Settings; lookups: Lookups; tags: Readonly<Record<string, string>> },
    opts: pulumi.ComponentResourceOptions,
) {
    const { subnet, availabilityZone } = lookups;
    if (subnet) return { vpcId: subnet.vpcId, subnetId: subnet.id, availabilityZone, routes: [], own: undefined };
    const { vpcCidr: cidrBlock } = settings;
    const own = new Network(name, { cidrBlock, parts: 1, availabilityZones: [availabilityZone], tags }, opts);
    const [only] = own.subnets;
    return {
        own,
        vpcId: own.vpcId,
        subnetId: only!.id,
        availabilityZone: only!.availabilityZone.apply((zone) => checkSubnetZone(zone, settings)),
        routes: own.routes,
    };
}

/** The subnets of several machines: those of subnetIds, or some in a new network. */
export function joinZones(
    name: string,
    { settings, lookups, tags }: { settings: Settings; lookups: Lookups; tags: Readonly<Record<string, string>> },
    opts: pulumi.ComponentResourceOptions,
) {
    const { zones = [], subnets = [] } = lookups;
    const [first] = subnets;
    if (first) {
        const existing = subnets.map((subnet) => ({ ...subnet, key: subnet.id }));
        return { vpcId: first.vpcId, subnets: existing, routes: [], own: undefined };
    }
    const { vpcCidr: cidrBlock } = settings;
    const own = new Network(name, { cidrBlock, parts: MOST_ZONES, availabilityZones: zones, tags }, opts);
    const created = own.subnets.map((subnet, index) => ({ ...subnet, key: String(index + 1) }));
    return { vpcId: own.vpcId, subnets: created, routes: own.routes, own };
}

/**
 * Ids of the subnets in which machines can be. Only the subnets' outputs have their zones, because those that exist stay where
 * they are, and another instance type may not be offered there.
 */
export function placesOf(
    subnets: readonly { id: pulumi.Input<string>; availabilityZone: pulumi.Input<string> }[],
    { offered = [] }: Lookups,
    { instanceType }: Settings,
): pulumi.Output<string[]> {
    return pulumi
        .output(subnets.map(({ id, availabilityZone }) => ({ id, availabilityZone })))
        .apply((all) => possiblePlaces(all, offered, instanceType));
}

/** @throws RunError if there is none. */
export function possiblePlaces(
    subnets: readonly { id: string; availabilityZone: string }[],
    offered: readonly string[],
    instanceType: string,
): string[] {
    const possible = subnets.filter(({ availabilityZone }) => offered.includes(availabilityZone));
    if (possible.length > 0) return possible.map(({ id }) => id);
    const zones = subnets.map(({ availabilityZone }) => availabilityZone).join(", ");
    throw new pulumi.RunError(
        `instanceType: ${instanceType} is not offered in ${zones}, where the stack's subnets are. Choose another type.`,
    );
}
