import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ipv6AddressIn } from "./subnet-sizes.ts";

/** A subnet of the load balancer. */
export interface BalancerSubnet {
    /** Names what belongs to the subnet, so that the order of the subnets does not matter. */
    readonly key: string;
    readonly id: pulumi.Input<string>;
    /** Undefined without IPv6. */
    readonly ipv6Block: pulumi.Input<string> | undefined;
}

export interface BalancerAddressesArgs {
    /** Owner of the stack, "project/stack/name", from which the IPv6 addresses are made. */
    owner: string;
    /** One in each availability zone. */
    subnets: readonly BalancerSubnet[];
    /** The subnets have IPv6. */
    ipv6: boolean;
    /** What must exist before an address works: internet gateway, routes. */
    network: pulumi.Resource[];
    /** Refuse to delete or replace the addresses. */
    protect: boolean;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** The beginning of the addresses' names, by which a lookup finds them. Pure. */
export const addressesName = (linkmesh: string) => `${linkmesh}-lb-addresses`;

/**
 * The addresses of the load balancer in each zone: an elastic IPv4 address, and an IPv6 address that is always the same one of
 * the subnet. Both outlive the load balancer, so the records stay. A public IPv4 address costs about $3.65 a month.
 */
export class BalancerAddresses extends pulumi.ComponentResource {
    readonly ipv4: readonly pulumi.Output<string>[];
    /** Undefined without IPv6. */
    readonly ipv6: readonly pulumi.Output<string>[] | undefined;
    /** Of the IPv4 addresses. */
    readonly allocationIds: readonly pulumi.Output<string>[];

    constructor(name: string, args: BalancerAddressesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:BalancerAddresses", name, {}, opts);
        const elastic = args.subnets.map(
            ({ key }) =>
                new aws.ec2.Eip(
                    `${name}-${key}`,
                    { domain: "vpc", tags: { ...args.tags, Name: `${name}-${key}` } },
                    { parent: this, protect: args.protect, dependsOn: args.network },
                ),
        );
        this.ipv4 = elastic.map(({ publicIp }) => publicIp);
        this.allocationIds = elastic.map(({ allocationId }) => allocationId);
        this.ipv6 = args.ipv6 ? args.subnets.map(({ ipv6Block }) => chosenAddress(args.owner, ipv6Block!)) : undefined;
        this.registerOutputs({ ipv4: this.ipv4, ipv6: this.ipv6 });
    }
}

/** Not the first of the subnet, which other programs choose, too. */
function chosenAddress(owner: string, block: pulumi.Input<string>): pulumi.Output<string> {
    const last = createHash("sha256").update(owner).digest();
    return pulumi.output(block).apply((known) => ipv6AddressIn(known, last));
}
