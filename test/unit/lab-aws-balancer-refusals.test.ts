import { beforeAll, expect, it } from "vitest";
import type { Values } from "../../lab/providers/property-values.ts";
import {
    type BalancerNetwork,
    balancerInputs,
    balancerNetwork,
    groupInputs,
    listenerInputs,
} from "./lab-aws-balancer-cloud.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

/** What is refused changes nothing, so all share a cloud. */
let cloud: TestCloud;
let network: BalancerNetwork;
beforeAll(async () => {
    cloud = TestCloud.create();
    network = await balancerNetwork(cloud);
});

const balancer = (more: Values = {}) => cloud.make("LoadBalancer", { ...balancerInputs(network), ...more });
const targets = (more: Values = {}) => cloud.make("TargetGroup", { ...groupInputs(network), ...more });

it.each<[what: string, error: string, wrong: (n: BalancerNetwork) => Values | Promise<Values>]>([
    ["no mapping", "ValidationError: At least one subnet must be specified", () => ({ subnetMappings: [] })],
    [
        "two mappings in a zone",
        "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        async (n) => {
            const twin = await n.subnet(2);
            return { subnetMappings: [n.mappings[0]!, { subnetId: twin.id, allocationId: n.addresses[1].id }] };
        },
    ],
    ["an unknown subnet", "SubnetNotFound", (n) => ({ subnetMappings: [{ ...n.mappings[0]!, subnetId: "subnet-1" }] })],
    [
        "an unknown address",
        "AllocationIdNotFound: Allocation id(s) 'eipalloc-1' not found",
        (n) => ({ subnetMappings: [{ ...n.mappings[0]!, allocationId: "eipalloc-1" }] }),
    ],
    [
        "an address twice",
        "ResourceInUse: The allocation IDs are not available for use",
        (n) => ({ subnetMappings: n.mappings.map((one) => ({ ...one, allocationId: n.addresses[0].id })) }),
    ],
    [
        "an IPv6 address of another subnet",
        "is not in the IPv6 CIDR block of the subnet",
        (n) => ({ subnetMappings: [{ ...n.mappings[0]!, ipv6Address: n.mappings[1]!.ipv6Address }] }),
    ],
    [
        "an IPv6 address without dualstack",
        "IPv6 addresses can only be specified for dualstack load balancers",
        () => ({ ipAddressType: "ipv4" }),
    ],
    ["an unknown group", "InvalidSecurityGroup", () => ({ securityGroups: ["sg-1"] })],
    ["a long name", '"name" cannot be longer than 32 characters', () => ({ name: "a".repeat(33) })],
    ["a wrong name", "only alphanumeric characters and hyphens allowed", () => ({ name: "a_b" })],
    ["another type", "is none of network", () => ({ loadBalancerType: "application" })],
    ["an unknown property", 'does not know the property "idleTimeout"', () => ({ idleTimeout: 60 })],
])("a load balancer is refused with %s", async (_, error, wrong) => {
    await expect(balancer(await wrong(network))).rejects.toThrow(error);
});

it.each<[what: string, error: string, wrong: Values]>([
    [
        "a timeout above the interval",
        "Health check timeout '11' must be smaller than or equal to the interval '10'",
        { healthCheck: { protocol: "HTTPS", interval: 10, timeout: 11 } },
    ],
    ["an interval below 5 s", "to be in the range (5 - 300), got 4", { healthCheck: { interval: 4 } }],
    ["a threshold of 1", "to be in the range (2 - 10), got 1", { healthCheck: { healthyThreshold: 1 } }],
    [
        "a path for TCP",
        'cannot be specified when "health_check[0].protocol" is "TCP"',
        { healthCheck: { protocol: "TCP", path: "/" } },
    ],
    ["a path without slash", `doesn't start with "/"`, { healthCheck: { path: "health" } }],
    ["a wrong matcher", "must be within '200-599' inclusive", { healthCheck: { matcher: "100-399" } }],
    ["the client's address kept", "is none of false", { preserveClientIp: "true" }],
    ["targets by address", "is none of instance", { targetType: "ip" }],
    ["UDP", "is none of TCP, TLS", { protocol: "UDP" }],
    ["a delay of more than an hour", "is not between 0 and 3600", { deregistrationDelay: 3601 }],
    ["an unknown VPC", "InvalidVpcID.NotFound", { vpcId: "vpc-1" }],
])("a target group is refused with %s", async (_, error, wrong) => {
    await expect(targets(wrong)).rejects.toThrow(error);
});

const ACTION = { type: "forward", targetGroupArn: "arn:x" };
let inputs: Values;
beforeAll(async () => {
    const own = await cloud.make("LoadBalancer", {
        ...balancerInputs(network),
        name: "own",
        internal: true,
        subnetMappings: [{ subnetId: network.subnets[0].id }],
    });
    inputs = { ...listenerInputs(own, await targets({ name: "own" })), protocol: "TLS", port: 443 };
});

it.each<[what: string, error: string, wrong: Values]>([
    ["no certificate", "ValidationError: A certificate must be specified for TLS listeners", {}],
    ["an unknown certificate", "CertificateNotFound: Certificate 'arn:x' not found", { certificateArn: "arn:x" }],
    ["TCP to a TLS group", "Listener protocol 'TCP' is not supported with a target group", { protocol: "TCP" }],
    ["an idle timeout for TLS", "a TLS listener has an idle timeout of 350 s", { tcpIdleTimeoutSeconds: 400 }],
    ["an idle timeout above 6,000 s", "is not between 60 and 6000", { protocol: "TCP", tcpIdleTimeoutSeconds: 6001 }],
    ["a certificate for TCP", "a TCP listener has no certificateArn", { protocol: "TCP", certificateArn: "arn:x" }],
    ["no action", "has one action", { defaultActions: [] }],
    ["two actions", "has one action", { defaultActions: [ACTION, ACTION] }],
    ["HTTPS", "is none of TCP, TLS", { protocol: "HTTPS" }],
])("a listener is refused with %s", async (_, error, wrong) => {
    await expect(cloud.make("Listener", { ...inputs, ...wrong })).rejects.toThrow(error);
});
