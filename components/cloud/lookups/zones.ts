import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { MOST_ZONES, nodesInZone } from "../subnet-sizes.ts";
import type { InstanceType } from "./instance-type.ts";
import { type ExistingSubnet, describeSubnet, refusePrivate } from "./subnet.ts";

/** Where several machines and their load balancer are. */
export interface Spread {
    /**
     * Of the subnets. The load balancer cannot leave one, so neither the number of nodes nor the instance type changes how
     * many there are.
     */
    readonly zones: readonly string[];
    /** Zones in which the instance type is offered. */
    readonly offered: readonly string[];
    /** The existing subnets that the settings name, sorted; empty if the program creates a network. */
    readonly subnets: readonly ExistingSubnet[];
    readonly ipv6: boolean;
}

/** @throws RunError if the machines or their load balancer cannot be there */
export async function findSpread(
    settings: Settings,
    { availabilityZones, offered }: Pick<InstanceType, "availabilityZones" | "offered">,
    opts: pulumi.InvokeOptions,
): Promise<Spread> {
    const possible = offered.filter((zone) => availabilityZones.includes(zone));
    if (settings.subnetIds.length === 0) {
        // New subnets are best where machines can be. Those that exist stay where they are.
        const others = availabilityZones.filter((zone) => !possible.includes(zone));
        const zones = [...possible, ...others].slice(0, MOST_ZONES);
        refuseCrowd(settings, zones.filter((zone) => possible.includes(zone)).length);
        return { zones, offered: possible, subnets: [], ipv6: true };
    }
    const ids = [...settings.subnetIds].sort();
    const subnets = await Promise.all(ids.map((id) => describeSubnet("subnetIds", id, opts)));
    refuseTogether(settings, subnets, possible);
    await Promise.all(subnets.map((subnet) => refusePrivate("subnetIds", subnet, "Name public subnets", opts)));
    return {
        zones: subnets.map(({ availabilityZone }) => availabilityZone),
        offered: possible,
        subnets,
        ipv6: subnets.every(({ ipv6Block }) => ipv6Block !== undefined),
    };
}

/** The settings alone do not show in how many zones the machines can be. */
function refuseCrowd({ vpcCidr, nodes, instanceType }: Settings, zones: number): void {
    const most = zones * nodesInZone(vpcCidr);
    if (nodes <= most) return;
    throw new pulumi.RunError(
        `nodes: ${instanceType} is offered in ${zones} of the availability zones, where vpcCidr ${vpcCidr} has addresses for ${most} nodes, twice over while they are replaced, and not for ${nodes}. Choose another instanceType, or set fewer nodes.`,
    );
}

/** What one subnet alone does not show. */
function refuseTogether(
    { instanceType }: Settings,
    subnets: readonly ExistingSubnet[],
    possible: readonly string[],
): void {
    const refuse = (sentence: string) => {
        throw new pulumi.RunError(sentence);
    };
    const [first] = subnets;
    const foreign = subnets.find(({ vpcId }) => vpcId !== first!.vpcId);
    if (foreign) {
        refuse(
            `subnetIds: ${first!.id} is in ${first!.vpcId} and ${foreign.id} in ${foreign.vpcId}, but a load balancer has one VPC. Name subnets of one VPC.`,
        );
    }
    for (const [index, one] of subnets.entries()) {
        const before = subnets.slice(0, index).find((other) => other.availabilityZone === one.availabilityZone);
        if (before) {
            refuse(
                `subnetIds: ${before.id} and ${one.id} are both in ${one.availabilityZone}, and a load balancer has one subnet in each availability zone. Remove one of them.`,
            );
        }
    }
    const impossible = subnets.find(({ availabilityZone }) => !possible.includes(availabilityZone));
    if (impossible) {
        refuse(
            `subnetIds: ${impossible.id} is in ${impossible.availabilityZone}, where ${instanceType} is not offered, or where the region's public addresses do not work. Name subnets in ${possible.join(", ")}, or choose another instanceType.`,
        );
    }
    const without = subnets.find(({ ipv6Block }) => ipv6Block === undefined);
    const having = subnets.find(({ ipv6Block }) => ipv6Block !== undefined);
    if (without && having) {
        refuse(
            `subnetIds: ${having.id} has IPv6 and ${without.id} does not, and a load balancer has the same families in all of its subnets. Add IPv6 to ${without.id}, or name other subnets.`,
        );
    }
}
