import { expect, it } from "vitest";
import { EXISTING_SUBNET_PRIVATE, EXISTING_VPC } from "../../lab/cloud/existing-network.ts";
import { renderRuleset } from "../../lab/network/packet-filter.ts";
import { labAt, shortId } from "../../lab/lab.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

/** The rules of a chain of a ruleset. */
function chainOf(ruleset: string, name: string): string[] {
    const [, body = ""] = new RegExp(`chain ${name} \\{\n([\\s\\S]*?)\n {4}\\}\n`).exec(ruleset) ?? [];
    return body.split("\n").map((line) => line.trim());
}

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

it("lets in the private addresses of the interfaces that are in a rule's group, as they come and go", async () => {
    const cloud = TestCloud.create();
    const { vpc, subnet, group, card } = await cloud.network();
    const balancer = await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "balancer" });
    const about = { referencedSecurityGroupId: balancer.id };
    const https = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 443, toPort: 443, ...about };
    await cloud.make("Ingress", https);
    await cloud.make("Egress", https);
    const rules = async () => {
        const ruleset = renderRuleset(labAt(0), await cloud.state());
        const of = (direction: string, own: RegExp) =>
            chainOf(ruleset, `${direction}_${shortId(card.id)}`).filter((line) => own.test(line));
        return { ingress: of("ingress", / accept$/), egress: of("egress", / return$/) };
    };
    expect(await rules()).toEqual({ ingress: [], egress: [] });
    const member = () =>
        cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: [balancer.id], ipv6AddressCount: 1 });
    const members = [await member(), await member()];
    const expected = (...cards: typeof members) => {
        const all = cards.toSorted((a, b) => (a.id < b.id ? -1 : 1));
        const [four, six] = [
            all.map(({ outputs }) => outputs.privateIp as string).join(", "),
            all.flatMap(({ outputs }) => outputs.ipv6Addresses as string[]).join(", "),
        ];
        return {
            ingress: [
                `ct status & dnat == 0 ip saddr { ${four} } tcp dport 443 accept`,
                `ct status & dnat == 0 ip6 saddr { ${six} } tcp dport 443 accept`,
            ],
            egress: [
                `ct original ip daddr { ${four} } tcp dport 443 return`,
                `ct original ip6 daddr { ${six} } tcp dport 443 return`,
            ],
        };
    };
    expect(await rules()).toEqual(expected(...members));
    await cloud.delete(members[0]!);
    expect(await rules()).toEqual(expected(members[1]!));
    await cloud.update(members[1]!, { ...members[1]!.inputs, securityGroups: [group.id] });
    expect(await rules()).toEqual({ ingress: [], egress: [] });
});

it("lets a group's pings in by their own family only", async () => {
    const cloud = TestCloud.create();
    const { group, card } = await cloud.network();
    const rule = { securityGroupId: group.id, fromPort: 8, toPort: -1, referencedSecurityGroupId: group.id };
    await cloud.make("Ingress", { ...rule, ipProtocol: "icmp" });
    await cloud.make("Ingress", { ...rule, ipProtocol: "icmpv6", fromPort: 128 });
    const lines = chainOf(renderRuleset(labAt(0), await cloud.state()), `ingress_${shortId(card.id)}`);
    expect(
        lines
            .filter((line) => line.endsWith("accept"))
            .map((line) => line.replace(/\{.*\}/, "SET"))
            .sort(),
    ).toEqual([
        "ct status & dnat == 0 ip saddr SET icmp type 8 accept",
        "ct status & dnat == 0 ip6 saddr SET icmpv6 type 128 accept",
    ]);
});
