import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import {
    EXISTING_SUBNET_DUAL,
    EXISTING_SUBNET_IPV4,
    EXISTING_SUBNET_OTHER_ZONE,
    EXISTING_VPC,
} from "../../lab/cloud/existing-network.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const GET_SUBNET = "aws:ec2/getSubnet:getSubnet";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

it("exists in a new cloud, with ids in AWS's form", async () => {
    const dual = await cloud.invoke(GET_SUBNET, { id: EXISTING_SUBNET_DUAL });
    expect(dual).toMatchObject({
        vpcId: EXISTING_VPC,
        availabilityZone: "eu-central-1a",
        ipv6CidrBlock: "fd77:0:0:ff00::/64",
    });
    const ipv4 = await cloud.invoke(GET_SUBNET, { id: EXISTING_SUBNET_IPV4 });
    expect(ipv4).toMatchObject({ vpcId: EXISTING_VPC, availabilityZone: "eu-central-1a", ipv6CidrBlock: "" });
    const other = await cloud.invoke(GET_SUBNET, { id: EXISTING_SUBNET_OTHER_ZONE });
    expect(other).toMatchObject({ availabilityZone: "eu-central-1b", ipv6CidrBlock: "fd77:0:0:ff01::/64" });
    for (const id of [EXISTING_SUBNET_DUAL, EXISTING_SUBNET_IPV4, EXISTING_SUBNET_OTHER_ZONE])
        expect(id).toMatch(/^subnet-[a-f0-9]+$/);
});

it("is added to an older cloud, without other changes", async () => {
    await cloud.network();
    const file = join(cloud.store.lab.dir, "cloud.json");
    const old = JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, unknown>>;
    for (const kind of ["vpcs", "subnets", "routeTables", "internetGateways"]) {
        for (const id of Object.keys(old[kind]!)) if (id.length < 15) delete old[kind]![id];
    }
    expect(Object.keys(old.vpcs!)).toHaveLength(1);
    writeFileSync(file, JSON.stringify(old));
    const state = await cloud.state();
    expect(state.vpcs).toMatchObject(old.vpcs!);
    expect(state.subnets[EXISTING_SUBNET_IPV4]).toBeDefined();
});

it("uses no block that a new VPC gets", async () => {
    const blocks = new Set<unknown>([(await cloud.state()).vpcs[EXISTING_VPC]!.ipv6CidrBlock]);
    const make = () => cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", assignGeneratedIpv6CidrBlock: true });
    for (let count = 1; count <= 4; count++) blocks.add((await make()).outputs.ipv6CidrBlock);
    expect(blocks.size).toBe(5);
});

it("gives an interface an IPv6 address if the subnet has a block and the interface asks", async () => {
    const group = await cloud.make("SecurityGroup", { vpcId: EXISTING_VPC });
    const inputs = { securityGroups: [group.id] };
    const ipv4 = await cloud.make("NetworkInterface", { ...inputs, subnetId: EXISTING_SUBNET_IPV4 });
    expect(ipv4.outputs).toMatchObject({
        privateIp: cloud.store.lab.net.existingCidr.replace("0/24", "68"),
        ipv6Addresses: [],
    });
    const dual = await cloud.make("NetworkInterface", {
        ...inputs,
        subnetId: EXISTING_SUBNET_DUAL,
        ipv6AddressCount: 1,
    });
    expect(dual.outputs.ipv6Addresses).toHaveLength(1);
    await expect(
        cloud.make("NetworkInterface", { ...inputs, subnetId: EXISTING_SUBNET_IPV4, ipv6AddressCount: 1 }),
    ).rejects.toThrow("has no IPv6 CIDR block");
});

it("is public: an elastic address can be associated there", async () => {
    const group = await cloud.make("SecurityGroup", { vpcId: EXISTING_VPC });
    const card = await cloud.make("NetworkInterface", { subnetId: EXISTING_SUBNET_IPV4, securityGroups: [group.id] });
    const address = await cloud.make("Eip", { domain: "vpc" });
    await cloud.make("EipAssociation", { allocationId: address.id, networkInterfaceId: card.id });
});
