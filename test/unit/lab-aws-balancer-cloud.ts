import ipaddr from "ipaddr.js";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCa } from "../host/test-ca.ts";
import type { Made, TestCloud } from "./lab-aws-cloud.ts";

/** What a Network Load Balancer needs: two zones, an elastic address for each, a group and a certificate. */
export async function balancerZones(cloud: TestCloud) {
    const vpc = await cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", assignGeneratedIpv6CidrBlock: true });
    const gateway = await cloud.make("InternetGateway", { vpcId: vpc.id });
    const block = vpc.outputs.ipv6CidrBlock as string;
    const subnet = (n: number) =>
        cloud.make("Subnet", {
            vpcId: vpc.id,
            cidrBlock: `10.77.0.${n * 64}/26`,
            ipv6CidrBlock: block.replace("00::/56", `0${n}::/64`),
            availabilityZone: `eu-central-1${"ab"[n % 2]}`,
        });
    const subnets = [await subnet(0), await subnet(1)] as const;
    const addresses = [await cloud.make("Eip", {}), await cloud.make("Eip", {})] as const;
    const group = await cloud.make("SecurityGroup", { vpcId: vpc.id });
    const ca = await TestCa.create("CN=ca");
    const { cert, key } = await ca.issue(["linkmesh.example.test"]);
    const certificate = () =>
        cloud.make("Certificate", { certificateBody: cert, privateKey: key, certificateChain: ca.pem });
    const mappings = subnets.map(({ id, outputs }, n) => ({
        subnetId: id,
        allocationId: addresses[n]!.id,
        ipv6Address: ipaddr.parse((outputs.ipv6CidrBlock as string).replace("/64", "1:1")).toString(),
    }));
    return { vpc, gateway, subnet, subnets, addresses, group, mappings, certificate };
}

/** With a machine. */
export async function balancerNetwork(cloud: TestCloud) {
    const zones = await balancerZones(cloud);
    const place = { subnetId: zones.subnets[0].id, securityGroups: [zones.group.id] };
    const card = await cloud.make("NetworkInterface", place);
    return { ...zones, card, machine: await cloud.instance(card) };
}

export type BalancerNetwork = Awaited<ReturnType<typeof balancerNetwork>>;

export function balancerInputs({ mappings, group }: Pick<BalancerNetwork, "mappings" | "group">): Values {
    return {
        loadBalancerType: "network",
        ipAddressType: "dualstack",
        subnetMappings: mappings,
        securityGroups: [group.id],
        enableCrossZoneLoadBalancing: true,
    };
}

export function groupInputs({ vpc }: Pick<BalancerNetwork, "vpc">): Values {
    return {
        vpcId: vpc.id,
        protocol: "TLS",
        port: 443,
        preserveClientIp: "false",
        proxyProtocolV2: true,
        healthCheck: { protocol: "HTTPS", path: "/health", matcher: "200", interval: 10, healthyThreshold: 2 },
    };
}

export function listenerInputs(balancer: Made, targets: Made): Values {
    return { loadBalancerArn: balancer.id, defaultActions: [{ type: "forward", targetGroupArn: targets.id }] };
}
