import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings/settings.ts";
import { checkSubnetZone } from "./lookups/availability-zone.ts";
import type { Lookups } from "./lookups/lookups.ts";

export interface NetworkArgs {
    /** IPv4 block of the VPC and of its only subnet, for example "10.77.0.0/24". */
    cidrBlock: pulumi.Input<string>;
    /** For example "eu-central-1a". Ignored after creation, because a subnet cannot move. */
    availabilityZone: pulumi.Input<string>;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** A small dual-stack VPC: one public subnet, an internet gateway, default routes in both families. Costs nothing by itself. */
export class Network extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    readonly subnetId: pulumi.Output<string>;
    readonly availabilityZone: pulumi.Output<string>;
    /** Until these exist, no address in the subnet works. */
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
        const subnet = new aws.ec2.Subnet(
            `${name}-subnet`,
            {
                vpcId: vpc.id,
                cidrBlock: args.cidrBlock,
                ipv6CidrBlock: vpc.ipv6CidrBlock.apply(firstSubnet),
                availabilityZone: args.availabilityZone,
                tags,
            },
            { parent: this, ignoreChanges: ["availabilityZone"] },
        );
        const table = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: vpc.id, tags }, { parent: this });
        const association = new aws.ec2.RouteTableAssociation(
            `${name}-routes-association`,
            { subnetId: subnet.id, routeTableId: table.id },
            { parent: this },
        );
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
        this.subnetId = subnet.id;
        this.availabilityZone = subnet.availabilityZone;
        this.routes = [gateway, association, route4, route6];
        this.registerOutputs({ vpcId: this.vpcId, subnetId: this.subnetId });
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
    const own = new Network(name, { cidrBlock: settings.vpcCidr, availabilityZone, tags }, opts);
    return {
        own,
        vpcId: own.vpcId,
        subnetId: own.subnetId,
        availabilityZone: own.availabilityZone.apply((zone) => checkSubnetZone(zone, settings)),
        routes: own.routes,
    };
}

/** The first /64 of the /56 that AWS assigns to a VPC. */
export function firstSubnet(block: string): string {
    return block.replace(/\/56$/, "/64");
}
