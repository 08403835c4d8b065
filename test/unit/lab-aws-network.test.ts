import { beforeEach, describe, expect, it } from "vitest";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

describe("a security group", () => {
    const SET = "Only these characters are allowed: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";
    it.each([
        [{ name: "default" }, "Cannot use reserved security group name: default"],
        [{ name: "Default" }, "Cannot use reserved security group name: default"],
        [
            { name: "sg-web" },
            "Value (sg-web) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        ],
        [{ name: "wörld" }, `Value (wörld) for parameter GroupName is invalid. ${SET}`],
        [{ name: "web", description: "a|b" }, `Value (a|b) for parameter GroupDescription is invalid. ${SET}`],
    ])("of %j is refused by EC2", async (inputs, reason) => {
        const { vpc } = await cloud.network();
        await expect(cloud.make("SecurityGroup", { vpcId: vpc.id, ...inputs })).rejects.toThrow(
            `creating EC2 Security Group: api error InvalidParameterValue: ${reason}`,
        );
    });

    it("has a name that is unique in its VPC, regardless of case", async () => {
        const { vpc } = await cloud.network();
        await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "Web" });
        await expect(cloud.make("SecurityGroup", { vpcId: vpc.id, name: "web" })).rejects.toThrow(
            "InvalidGroup.Duplicate: The security group 'web' already exists",
        );
    });

    it.each(["wörld", "x".repeat(256)])("has no rule with the description %s", async (description) => {
        const { group } = await cloud.network();
        const rule = { securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" };
        const refusal = "api error InvalidParameterValue: Invalid rule description.";
        await expect(cloud.make("Ingress", { ...rule, description })).rejects.toThrow(refusal);
        const made = await cloud.make("Ingress", rule);
        await expect(cloud.update(made, { ...rule, description })).rejects.toThrow(refusal);
    });
});

it.each(["10.77.0.0/24", "10.77.0.128/25", "fd77:0:0:e100::/56", "fd77:0:0:e100::/64"])(
    "there is no route of %s, which the VPC routes itself",
    async (block) => {
        const { vpc, gateway } = await cloud.network();
        expect(vpc.outputs.ipv6CidrBlock).toBe("fd77:0:0:e100::/56");
        const table = await cloud.make("RouteTable", { vpcId: vpc.id });
        const destination = block.includes(":") ? "destinationIpv6CidrBlock" : "destinationCidrBlock";
        const route = { routeTableId: table.id, gatewayId: gateway.id };
        await expect(cloud.make("Route", { ...route, [destination]: block })).rejects.toThrow(
            `creating EC2 Route: api error InvalidParameterValue: The destination CIDR block ${block} is equal to or more specific`,
        );
        await cloud.make("Route", { ...route, destinationCidrBlock: "10.77.0.0/23" });
    },
);

describe("a subnet's automatic IPv6 addresses", () => {
    const subnet = async (more: object) => {
        const vpc = await cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", assignGeneratedIpv6CidrBlock: true });
        const ipv6CidrBlock = (vpc.outputs.ipv6CidrBlock as string).replace("/56", "/64");
        const base = { vpcId: vpc.id, cidrBlock: "10.77.0.0/24" };
        const group = await cloud.make("SecurityGroup", { vpcId: vpc.id });
        return { base, ipv6CidrBlock, group, make: () => cloud.make("Subnet", { ...base, ipv6CidrBlock, ...more }) };
    };
    const automatic = { assignIpv6AddressOnCreation: true };

    it("need a block", async () => {
        const { base, make } = await subnet({});
        const refusal = "Cannot set assign-ipv6-address-on-creation to true unless the subnet (subnet-";
        await expect(cloud.make("Subnet", { ...base, ...automatic })).rejects.toThrow(refusal);
        const made = await make();
        await expect(cloud.update(made, { ...base, ...automatic })).rejects.toThrow(/api error InvalidParameterValue/);
        await cloud.update(made, { ...made.inputs, ...automatic });
    });

    it("keep the block", async () => {
        const { base, make } = await subnet(automatic);
        const made = await make();
        const other = (made.inputs.ipv6CidrBlock as string).replace("00::/64", "01::/64");
        await expect(cloud.update(made, { ...base, ...automatic, ipv6CidrBlock: other })).rejects.toThrow(
            "InvalidCidrBlock.InUse: The subnet IPv6 CIDR block with association ID subnet-cidr-assoc-",
        );
        await cloud.update(made, base);
        expect((await cloud.state()).subnets[made.id]?.ipv6CidrBlock).toBeUndefined();
    });

    it("are one for each interface that does not ask for one", async () => {
        const { group, make } = await subnet(automatic);
        const { id } = await make();
        const card = (more: object) =>
            cloud.make("NetworkInterface", { subnetId: id, securityGroups: [group.id], ...more });
        expect((await card({})).outputs.ipv6Addresses).toHaveLength(1);
        expect((await card({ ipv6AddressCount: 0 })).outputs.ipv6Addresses).toEqual([]);
    });
});
