import { beforeEach, describe, expect, it } from "vitest";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const IMAGE = { ami: "ami-0debian13labamd64", instanceType: "t3.small" };
const RECORD = { zoneId: "Z0LABEXAMPLETEST", name: "www.example.test", type: "A", ttl: 60, records: ["192.0.2.1"] };
const TRUST = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
        {
            Effect: "Allow",
            Principal: { Service: ["dlm.amazonaws.com", "ec2.amazonaws.com"] },
            Action: "sts:AssumeRole",
        },
    ],
});
const POLICY = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" }],
});
const SNAPSHOTS = {
    description: "d",
    policyDetails: {
        resourceTypes: ["VOLUME"],
        targetTags: { stack: "x" },
        schedules: [
            {
                name: "daily",
                createRule: { interval: 24, intervalUnit: "HOURS", times: "03:00" },
                retainRule: { count: 7 },
            },
        ],
    },
};

const REQUEST = { domainName: "linkmesh.example.test", validationMethod: "DNS" };

let cloud: TestCloud;
let ids: Record<
    "vpc" | "subnet" | "group" | "card" | "vm" | "volume" | "address" | "table" | "gateway" | "role",
    string
>;

beforeEach(async () => {
    cloud = TestCloud.create();
    const { vpc, gateway, subnet, group, card } = await cloud.network();
    const machine = await cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: [group.id] });
    const vm = await cloud.instance(machine);
    const volume = await cloud.make("Volume", { availabilityZone: "eu-central-1a", size: 1 });
    const address = await cloud.make("Eip", { domain: "vpc" });
    const table = await cloud.make("RouteTable", { vpcId: vpc.id });
    const role = await cloud.make("Role", { assumeRolePolicy: TRUST });
    const made = { vpc, subnet, group, card, vm, volume, address, table, gateway, role };
    ids = Object.fromEntries(Object.entries(made).map(([name, { id }]) => [name, id])) as typeof ids;
});

const balancer = (): Values => ({
    ...{ loadBalancerType: "network", securityGroups: [ids.group] },
    subnetMappings: [{ subnetId: ids.subnet, allocationId: ids.address }],
});
const targets = (): Values => ({ vpcId: ids.vpc, protocol: "TCP", port: 50051, preserveClientIp: "false" });
const target = async () => ({ targetGroupArn: (await cloud.make("TargetGroup", targets())).id });
const listener = async () => ({
    loadBalancerArn: (await cloud.make("LoadBalancer", balancer())).id,
    ...{ protocol: "TCP", port: 50051 },
    defaultActions: [{ type: "forward", ...(await target()) }],
});

/**
 * If the engine has not seen the end of a creation, the next update makes the same resource again. Names that Pulumi
 * generates differ each time.
 */
describe("a second creation", () => {
    it.each<[type: string, inputs: () => Values, refusal: RegExp]>([
        ["InternetGateway", () => ({ vpcId: ids.vpc }), /already has an internet gateway attached/],
        ["Subnet", () => ({ vpcId: ids.vpc, cidrBlock: "10.77.0.0/24" }), /InvalidSubnet\.Conflict/],
        [
            "Route",
            () => ({ routeTableId: ids.table, destinationCidrBlock: "0.0.0.0/0", gatewayId: ids.gateway }),
            /RouteAlreadyExists/,
        ],
        [
            "RouteTableAssociation",
            () => ({ routeTableId: ids.table, subnetId: ids.subnet }),
            /Resource\.AlreadyAssociated/,
        ],
        [
            "Egress",
            () => ({ securityGroupId: ids.group, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }),
            /InvalidPermission\.Duplicate/,
        ],
        [
            "Instance",
            () => ({ ...IMAGE, primaryNetworkInterface: { networkInterfaceId: ids.card } }),
            /InvalidNetworkInterface\.InUse/,
        ],
        ["Record", () => RECORD, /but it already exists/],
        ["LoadBalancer", balancer, /ResourceInUse: The allocation IDs are not available for use/],
    ])("of %s is refused", async (type, inputs, refusal) => {
        if (!["InternetGateway", "Subnet"].includes(type)) await cloud.make(type, inputs());
        await expect(cloud.make(type, inputs(), "second", "second")).rejects.toThrow(refusal);
    });

    it.each<[type: string, inputs: () => Values | Promise<Values>]>([
        ["EipAssociation", () => ({ allocationId: ids.address, networkInterfaceId: ids.card })],
        ["VolumeAttachment", () => ({ deviceName: "/dev/sdf", instanceId: ids.vm, volumeId: ids.volume })],
        [
            "RolePolicyAttachment",
            () => ({ role: ids.role, policyArn: "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy" }),
        ],
        ["Record", () => ({ ...RECORD, allowOverwrite: true })],
        ["Listener", listener],
        ["TargetGroupAttachment", async () => ({ ...(await target()), targetId: ids.vm })],
    ])("of %s finishes the first", async (type, makeInputs) => {
        const inputs = await makeInputs();
        const before = JSON.stringify(await cloud.state()).length;
        await cloud.make(type, inputs);
        const once = JSON.stringify(await cloud.state()).length;
        expect(once).toBeGreaterThan(before);
        const again = await cloud.make(type, inputs);
        expect(JSON.stringify(await cloud.state())).toHaveLength(once);
        expect(await cloud.read(again)).toBeDefined();
    });

    it.each<[type: string, inputs: () => Values]>([
        ["Vpc", () => ({ cidrBlock: "10.77.1.0/24" })],
        ["RouteTable", () => ({ vpcId: ids.vpc })],
        ["SecurityGroup", () => ({ vpcId: ids.vpc })],
        ["NetworkInterface", () => ({ subnetId: ids.subnet, securityGroups: [ids.group] })],
        ["Eip", () => ({ domain: "vpc" })],
        ["Volume", () => ({ availabilityZone: "eu-central-1a", size: 1 })],
        ["Role", () => ({ assumeRolePolicy: TRUST })],
        ["RolePolicy", () => ({ role: ids.role, policy: POLICY })],
        ["InstanceProfile", () => ({ role: ids.role })],
        ["TargetGroup", targets],
        ["Certificate", () => REQUEST],
        [
            "LifecyclePolicy",
            () => ({ ...SNAPSHOTS, executionRoleArn: `arn:aws:iam::000000000000:role/${ids.role}`, state: "ENABLED" }),
        ],
    ])("of %s leaves the first behind", async (type, inputs) => {
        const named = ["SecurityGroup", "Role", "RolePolicy", "InstanceProfile", "TargetGroup"].includes(type);
        const first = await cloud.make(type, { ...inputs(), ...(named ? { name: "first" } : {}) });
        const second = await cloud.make(type, { ...inputs(), ...(named ? { name: "second" } : {}) });
        expect(second.id).not.toBe(first.id);
        expect(await cloud.read(first)).toBeDefined();
        expect(await cloud.read(second)).toBeDefined();
    });
});
