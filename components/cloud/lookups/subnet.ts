import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings.ts";
import { message } from "./message.ts";

/** The existing subnet that the settings name. @throws RunError when there is none, or none that the machine could live in */
export async function findSubnet({ subnetId, publicAddress }: Settings, opts: pulumi.InvokeOptions) {
    if (subnetId === "") return undefined;
    const [subnet, table] = await Promise.all([aws.ec2.getSubnet({ id: subnetId }, opts), findRoutes(subnetId, opts)])
        .then(async ([subnet, table]) => [subnet, table ?? (await mainRoutes(subnet.vpcId, opts))] as const)
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `subnetId: ${subnetId} cannot be used: ${message(error)}; name a subnet of this account and region, or remove the setting to have a network made.`,
            );
        });
    if (subnet.ipv6Native) {
        throw new pulumi.RunError(
            `subnetId: ${subnetId} has IPv6 alone, but the machine needs an IPv4 address; name a subnet that has both.`,
        );
    }
    // Another way than an internet gateway may be that of a firewall before one; a NAT gateway lets nobody in.
    const way = table.routes.find(({ cidrBlock }) => cidrBlock === "0.0.0.0/0");
    if (publicAddress && (way === undefined || way.natGatewayId)) {
        throw new pulumi.RunError(
            `subnetId: ${subnetId} is private: it has ${way ? "a NAT gateway" : "no default route"} and no internet gateway, so nobody would reach the machine's public address; name a public subnet, or set publicAddress to false.`,
        );
    }
    return {
        id: subnet.id,
        vpcId: subnet.vpcId,
        availabilityZone: subnet.availabilityZone,
        ipv6: Boolean(subnet.ipv6CidrBlock),
    };
}

/** The route table of the subnet's own; undefined where that of the VPC counts. */
async function findRoutes(subnetId: string, opts: pulumi.InvokeOptions) {
    return aws.ec2.getRouteTable({ subnetId }, opts).catch((error: unknown) => {
        if (/no results/.test(message(error))) return undefined;
        throw error;
    });
}

const mainRoutes = (vpcId: string, opts: pulumi.InvokeOptions) =>
    aws.ec2.getRouteTable({ vpcId, filters: [{ name: "association.main", values: ["true"] }] }, opts);
