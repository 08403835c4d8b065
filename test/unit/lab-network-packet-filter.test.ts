import { expect, it } from "vitest";
import { EXISTING_SUBNET_PRIVATE, EXISTING_VPC } from "../../lab/cloud/existing-network.ts";
import { renderRuleset } from "../../lab/network/packet-filter.ts";
import { labAt } from "../../lab/lab.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

it("lets a machine with an elastic address reach its metadata, regardless of its security groups", async () => {
    const cloud = TestCloud.create();
    const { card, gateway, vpc, subnet } = await cloud.network();
    const lab = labAt(0);
    expect(renderRuleset(lab, await cloud.state())).not.toContain("169.254.169.254 tcp");
    const table = await cloud.make("RouteTable", { vpcId: vpc.id });
    const out = { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id };
    await cloud.make("Route", out);
    await cloud.make("RouteTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
    const address = await cloud.make("Eip", { domain: "vpc" });
    await cloud.make("EipAssociation", { allocationId: address.id, networkInterfaceId: card.id });
    const ruleset = renderRuleset(lab, await cloud.state());
    expect(ruleset).toMatch(/iifname "\S+" ip daddr 169\.254\.169\.254 tcp dport 80 dnat ip to 10\.77\.128\.57\n/);
    // There is no egress rule: everything else is dropped.
    const [, egress = ""] = /chain egress_\w+ \{\n([^}]*)\}\n/.exec(ruleset.replace(/\{ [^}]* \}/g, "SET")) ?? [];
    const verdicts = egress.split("\n").filter((line) => / accept$/.test(line));
    expect(verdicts.at(-1)?.trim()).toBe("ct original ip daddr 169.254.169.254 ip daddr 10.77.128.57 accept");
    expect(egress.trim()).toMatch(/\n\s*drop$/);
});

it("lets a private machine out through the NAT gateway, and only the outer machine in", async () => {
    const cloud = TestCloud.create();
    const group = await cloud.make("SecurityGroup", { vpcId: EXISTING_VPC });
    await cloud.make("NetworkInterface", { subnetId: EXISTING_SUBNET_PRIVATE, securityGroups: [group.id] });
    const { lab } = cloud.store;
    const ruleset = renderRuleset(lab, await cloud.state());
    const own = lab.net.existingCidr.replace("0/24", "132");
    expect(ruleset).toContain(`ip saddr ${own} snat ip to ${lab.net.elasticAddress(253)}\n`);
    const [, path = ""] = /chain path \{\n([^}]*(?:\{[^}]*\}[^}]*)*)\n {4}\}\n/.exec(ruleset) ?? [];
    const inward = path.split("\n").filter((line) => line.includes('iifname "wan"'));
    expect(inward).toEqual([
        expect.stringMatching(new RegExp(`ip saddr ${lab.net.outer} ct status & dnat == 0 return$`)),
    ]);
});
