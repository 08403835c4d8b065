import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { SettingName, Settings } from "../../settings/settings.ts";
import { providerMessage } from "./failure.ts";

/** The existing subnet of subnetId. @throws RunError if it does not exist, or if the machine cannot use it */
export async function findSubnet({ subnetId, publicAddress }: Settings, opts: pulumi.InvokeOptions) {
    if (subnetId === "") return undefined;
    const subnet = await describeSubnet("subnetId", subnetId, opts);
    if (publicAddress) {
        await refusePrivate("subnetId", subnet, "Name a public subnet, or set publicAddress to false", opts);
    }
    return { ...subnet, ipv6: subnet.ipv6Block !== undefined };
}

/** An existing subnet that a setting names. @throws RunError if it does not exist, or if a machine cannot use it */
export async function describeSubnet(setting: SettingName, id: string, opts: pulumi.InvokeOptions) {
    const subnet = await aws.ec2.getSubnet({ id }, opts).catch((error: unknown) => {
        throw new pulumi.RunError(
            `${setting}: ${id} cannot be used: ${providerMessage(error)}. Name a subnet of this account and region, or remove the setting to have a network created.`,
        );
    });
    if (subnet.ipv6Native) {
        throw new pulumi.RunError(
            `${setting}: ${id} has only IPv6, but the machine needs an IPv4 address. Name a subnet that has both.`,
        );
    }
    return {
        id: subnet.id,
        vpcId: subnet.vpcId,
        availabilityZone: subnet.availabilityZone,
        ipv4Block: subnet.cidrBlock,
        ipv6Block: subnet.ipv6CidrBlock || undefined,
    };
}

export type ExistingSubnet = Awaited<ReturnType<typeof describeSubnet>>;

/**
 * Refuses a subnet where a public address is unreachable. A route to something else than an internet gateway is
 * accepted, because it may lead to a firewall in front of one. A NAT gateway is refused, because it lets nobody in.
 */
export async function refusePrivate(
    setting: SettingName,
    { id: subnetId, vpcId }: ExistingSubnet,
    remedy: string,
    opts: pulumi.InvokeOptions,
): Promise<void> {
    const table = await findRoutes(subnetId, vpcId, opts).catch((error: unknown) => {
        void pulumi.log.warn(
            `${setting}: it is unknown whether ${subnetId} is a public subnet: ${providerMessage(error)}. The lookup needs the right ec2:DescribeRouteTables.`,
        );
    });
    if (!table || table.routes.some(({ gatewayId }) => gatewayId.startsWith("igw-"))) return;
    const defaultRoute = table.routes.find(({ cidrBlock }) => cidrBlock === "0.0.0.0/0");
    const others = table.routes.filter(({ gatewayId }) => gatewayId !== "local");
    if (!defaultRoute?.natGatewayId && others.length > 0) return;
    throw new pulumi.RunError(
        `${setting}: ${subnetId} is private: it has ${defaultRoute ? "a NAT gateway" : "no default route"} and no internet gateway, so the machine's public address would be unreachable. ${remedy}.`,
    );
}

/** The subnet's own route table, or else the main one of the VPC. */
async function findRoutes(subnetId: string, vpcId: string, opts: pulumi.InvokeOptions) {
    const tables = (name: string, value: string) =>
        aws.ec2.getRouteTables({ vpcId, filters: [{ name, values: [value] }] }, opts);
    const [own, main] = await Promise.all([
        tables("association.subnet-id", subnetId),
        tables("association.main", "true"),
    ]);
    const routeTableId = own.ids[0] ?? main.ids[0];
    if (routeTableId === undefined) throw new Error("its route table is another account's");
    return aws.ec2.getRouteTable({ routeTableId }, opts);
}
