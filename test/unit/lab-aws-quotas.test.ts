import { beforeEach, describe, expect, it } from "vitest";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

/** Makes as many as the quota allows. The next is refused, until one is removed. */
async function fill(type: string, count: number, inputs: (number: number) => object, refusal: string): Promise<void> {
    const made = [];
    for (let number = 1; number <= count; number++) made.push(await cloud.make(type, { ...inputs(number) }));
    await expect(cloud.make(type, { ...inputs(count + 1) })).rejects.toThrow(refusal);
    await cloud.delete(made[0]!);
    await cloud.make(type, { ...inputs(count + 1) });
}

describe("an account's quotas", () => {
    it("five addresses", async () => {
        const refusal =
            "creating EC2 EIP: api error AddressLimitExceeded: The maximum number of addresses has been reached.";
        await fill("Eip", 5, () => ({ domain: "vpc" }), refusal);
    });

    it("five VPCs and as many internet gateways, including existing ones", async () => {
        const refusal = "api error VpcLimitExceeded: The maximum number of VPCs has been reached.";
        await fill("Vpc", 4, (number) => ({ cidrBlock: `10.77.${number}.0/24` }), refusal);
        const gateways =
            "api error InternetGatewayLimitExceeded: The maximum number of internet gateways has been reached.";
        await fill("InternetGateway", 4, () => ({}), gateways);
    });

    it("60 rules per security group, direction and address family", async () => {
        const { group } = await cloud.network();
        const other = await cloud.make("SecurityGroup", { vpcId: group.inputs.vpcId!, name: "other" });
        const rule = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 0, toPort: 0 };
        const ofGroup = { ...rule, referencedSecurityGroupId: other.id, fromPort: 90, toPort: 90 };
        const kinds = [
            ["Ingress", "ingress", { cidrIpv4: "0.0.0.0/0" }],
            ["Ingress", "ingress", { cidrIpv6: "::/0" }],
            ["Egress", "egress", { cidrIpv6: "::/0" }],
            ["Egress", "egress", { cidrIpv4: "0.0.0.0/0" }],
        ] as const;
        await cloud.store.change(({ securityGroupRules: rules }) => {
            for (const [, direction, peer] of kinds) {
                for (let port = 1; port < 60; port++) {
                    const id = `sgr-${direction}-${Object.keys(peer)[0]}-${port}`;
                    const ports = { ipProtocol: "tcp", fromPort: port, toPort: port };
                    rules[id] = { id, groupId: group.id, direction, ...ports, ...peer };
                }
            }
        });
        for (const [type, , peer] of kinds) {
            const last = await cloud.make(type, { ...rule, ...peer });
            const next = { ...rule, ...peer, fromPort: 60, toPort: 60 };
            await expect(cloud.make(type, next)).rejects.toThrow(
                "api error RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been reached.",
            );
            await cloud.make(type, { ...next, securityGroupId: other.id });
            // A rule about a group counts in both families.
            await expect(cloud.make(type, ofGroup)).rejects.toThrow("RulesPerSecurityGroupLimitExceeded");
            await cloud.delete(last);
            await cloud.make(type, next);
        }
    });

    it("five security groups per interface", async () => {
        const { vpc, subnet } = await cloud.network();
        const securityGroups: string[] = [];
        for (let count = 0; count < 6; count++)
            securityGroups.push((await cloud.make("SecurityGroup", { name: `g${count}`, vpcId: vpc.id })).id);
        await cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: securityGroups.slice(1) });
        await expect(cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups })).rejects.toThrow(
            "api error SecurityGroupsPerInterfaceLimitExceeded: The maximum number of security groups per interface has been reached.",
        );
    });

    it("16 vCPUs of running machines", async () => {
        const { subnet, group } = await cloud.network();
        const card = () => cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: [group.id] });
        const first = await cloud.instance(await card());
        for (let count = 2; count <= 8; count++) await cloud.instance(await card());
        const third = await card();
        await expect(cloud.instance(third)).rejects.toThrow(
            "creating EC2 Instance: api error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 16 allows",
        );
        await cloud.delete(first);
        await cloud.instance(third);
    });
});
