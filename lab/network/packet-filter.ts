import { shortId, type Lab } from "../lab.ts";
import { routerInterface } from "./interfaces.ts";
import { contains, parseCidr } from "./cidr.ts";
import { ipv6Twin, WAN } from "./router.ts";
import { type CloudState, type NetworkInterface, type SecurityGroupRule, publicIpOf } from "../cloud/state.ts";

/** The address of the instance metadata service on machines. */
const METADATA = "169.254.169.254";

/** An interface with its data for the ruleset. */
interface Port {
    eni: NetworkInterface;
    /** Its link in the router. */
    link: string;
    vpcId: string;
    /** Its elastic address, or its automatic public one. */
    publicIp?: string;
    /** Address of its NAT gateway. It can reach the internet, but the internet cannot reach it. */
    nat?: string;
    /** Whether it and the outer machine reach each other by its private address, as over a VPN. */
    vpn: boolean;
    /** Whether it and the internet reach each other, by address family. */
    public4: boolean;
    public6: boolean;
    rules: SecurityGroupRule[];
}

/**
 * The router's whole packet filter, as input for `nft -f -`. Public addresses become 1:1 NAT, route tables the paths
 * that packets may take, and security groups stateful filters of each interface in both directions. Loading it replaces
 * the old rules at once. Pure.
 */
export function renderRuleset(lab: Lab, state: CloudState): string {
    const ports = Object.values(state.networkInterfaces)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((eni) => port(lab, state, eni));
    const chains = [
        ...natChains(lab, ports),
        forwardChain(ports),
        pathChain(lab, ports),
        chain("input", [
            "type filter hook input priority filter; policy drop",
            'iifname "lo" accept',
            "meta l4proto { icmp, ipv6-icmp } accept",
        ]),
        ...ports.flatMap((p) => [egressChain(lab, p, ports), ingressChain(p, ports)]),
    ];
    return `table inet lab\ndelete table inet lab\ntable inet lab {\n${chains.join("\n")}}\n`;
}

function port(lab: Lab, state: CloudState, eni: NetworkInterface): Port {
    const subnet = state.subnets[eni.subnetId];
    if (!subnet) throw new Error(`${eni.id} is in ${eni.subnetId}, which does not exist`);
    const routes = (subnet.routeTableId && state.routeTables[subnet.routeTableId]?.routes) || {};
    const leadsOut = (destination: string) => {
        const gateway = state.internetGateways[routes[destination] ?? ""];
        return gateway !== undefined && gateway.vpcId === subnet.vpcId;
    };
    const publicIp = publicIpOf(state, eni);
    return {
        eni,
        link: routerInterface(lab, eni.id),
        vpcId: subnet.vpcId,
        publicIp,
        nat: state.natGateways[routes["0.0.0.0/0"] ?? ""]?.publicIp,
        vpn: routes[`${lab.net.outer}/32`]?.startsWith("vgw-") ?? false,
        public4: publicIp !== undefined && leadsOut("0.0.0.0/0"),
        public6: eni.ipv6Addresses.length > 0 && leadsOut("::/0"),
        rules: Object.values(state.securityGroupRules)
            .filter((rule) => eni.securityGroupIds.includes(rule.groupId))
            .sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
}

function natChains(lab: Lab, ports: Port[]): string[] {
    const mapped = ports.filter((p) => p.public4);
    const behindNat = ports.filter((p) => p.nat);
    return [
        chain("prerouting", [
            "type nat hook prerouting priority dstnat",
            ...mapped.map((p) => `ip daddr ${p.publicIp} dnat ip to ${p.eni.privateIp}`),
            // The service identifies a machine by its public address, or behind a NAT gateway by its private one. A
            // machine with neither cannot reach it.
            ...[...mapped, ...behindNat].map(
                (p) => `iifname "${p.link}" ip daddr ${METADATA} tcp dport 80 dnat ip to ${lab.net.aws}`,
            ),
        ]),
        chain("postrouting", [
            "type nat hook postrouting priority srcnat",
            // As on AWS, the resolver also answers machines without a public address.
            `oifname "${WAN}" ip daddr ${lab.net.dns} meta l4proto { tcp, udp } th dport 53 snat ip to ${lab.net.router}`,
            ...behindNat.flatMap((p) => [
                `oifname "${WAN}" ip saddr ${p.eni.privateIp} ct original ip daddr ${METADATA} accept`,
                ...(p.vpn ? [`oifname "${WAN}" ip saddr ${p.eni.privateIp} ip daddr ${lab.net.outer} accept`] : []),
                `oifname "${WAN}" ip saddr ${p.eni.privateIp} snat ip to ${p.nat}`,
            ]),
            ...mapped.flatMap((p) => [
                `oifname "${WAN}" ip saddr ${p.eni.privateIp} snat ip to ${p.publicIp}`,
                // Traffic to a public address of the lab, its own included, goes through the gateway and back.
                `ct status dnat ip saddr ${p.eni.privateIp} snat ip to ${p.publicIp}`,
            ]),
        ]),
    ];
}

function forwardChain(ports: Port[]): string {
    const jumps = (direction: string, verdict: string) =>
        ports.map((p) => `"${p.link}" : ${verdict} ${direction}_${shortId(p.eni.id)}`).join(", ");
    return chain("forward", [
        "type filter hook forward priority filter; policy drop",
        "ct state established,related accept",
        "ct state invalid drop",
        ...(ports.length ? [`iifname vmap { ${jumps("egress", "jump")} }`] : []),
        "jump path",
        `oifname "${WAN}" accept`,
        ...(ports.length ? [`oifname vmap { ${jumps("ingress", "goto")} }`] : []),
    ]);
}

/** Returns for packets that the route tables allow and drops the others. */
function pathChain(lab: Lab, ports: Port[]): string {
    const set = (links: string[]) => `{ ${links.map((link) => `"${link}"`).join(", ")} }`;
    const vpcs = [...new Set(ports.map((p) => p.vpcId))].map((id) =>
        set(ports.filter((p) => p.vpcId === id).map((p) => p.link)),
    );
    const public4 = ports.filter((p) => p.public4).map((p) => p.link);
    const behindNat = ports.filter((p) => p.nat).map((p) => p.link);
    const vpn = ports.filter((p) => p.vpn).map((p) => p.link);
    const public6 = ports.filter((p) => p.public6).map((p) => p.link);
    return chain("path", [
        ...vpcs.map((links) => `iifname ${links} oifname ${links} ct status & dnat == 0 return`),
        ...(public4.length
            ? [
                  `meta nfproto ipv4 iifname ${set([WAN, ...public4])} oifname ${set(public4)} ct status dnat return`,
                  `meta nfproto ipv4 iifname ${set(public4)} oifname "${WAN}" return`,
              ]
            : []),
        ...(behindNat.length ? [`meta nfproto ipv4 iifname ${set(behindNat)} oifname "${WAN}" return`] : []),
        ...(vpn.length
            ? [`iifname "${WAN}" oifname ${set(vpn)} ip saddr ${lab.net.outer} ct status & dnat == 0 return`]
            : []),
        ...(public6.length
            ? [`meta nfproto ipv6 iifname ${set([WAN, ...public6])} oifname ${set([WAN, ...public6])} return`]
            : []),
        "drop",
    ]);
}

function egressChain(lab: Lab, p: Port, ports: Port[]): string {
    const own6 = p.eni.ipv6Addresses;
    const resolver = [`ip daddr ${lab.net.dns}`, `ip6 daddr ${ipv6Twin(lab, lab.net.dns)}`];
    return chain(`egress_${shortId(p.eni.id)}`, [
        // An ENI's source and destination check.
        `ip saddr != ${p.eni.privateIp} drop`,
        own6.length ? `ip6 saddr != { ${own6.join(", ")} } drop` : "meta nfproto ipv6 drop",
        // As on AWS, security groups do not block the resolver.
        ...resolver.map((to) => `${to} meta l4proto { tcp, udp } th dport 53 accept`),
        // Nor the instance metadata.
        `ct original ip daddr ${METADATA} ip daddr ${lab.net.aws} accept`,
        // A security group filters by the address that the machine sent to, before NAT.
        ...p.rules
            .filter((rule) => rule.direction === "egress")
            .flatMap((rule) => {
                if (rule.referencedSecurityGroupId) return ofGroup(rule, ports, "ct original ", "daddr", "return");
                const to = rule.cidrIpv6
                    ? `ct original ip6 daddr ${rule.cidrIpv6}`
                    : `ct original ip daddr ${rule.cidrIpv4}`;
                return [`${isAny(rule) ? family(rule) : to} ${match(rule)}return`];
            }),
        "drop",
    ]);
}

function ingressChain(p: Port, ports: Port[]): string {
    const lines = p.rules
        .filter((rule) => rule.direction === "ingress")
        .flatMap((rule) => {
            const verdict = `${match(rule)}accept`;
            if (rule.referencedSecurityGroupId)
                return ofGroup(rule, ports, "ct status & dnat == 0 ", "saddr", "accept");
            if (isAny(rule)) return [`${family(rule)} ${verdict}`];
            if (rule.cidrIpv6) return [`ip6 saddr ${rule.cidrIpv6} ${verdict}`];
            // Traffic to a public address comes from the sender's public address. In this chain it still has the
            // private one, because NAT replaces it later.
            const sources = parseCidr(rule.cidrIpv4!)!;
            const behind = ports.filter((o) => o.public4 && contains(sources, parseCidr(`${o.publicIp}/32`)!));
            return [
                `iifname "${WAN}" ip saddr ${rule.cidrIpv4} ${verdict}`,
                `ct status & dnat == 0 ip saddr ${rule.cidrIpv4} ${verdict}`,
                ...behind.map((o) => `ct status dnat ip saddr ${o.eni.privateIp} ${verdict}`),
            ];
        });
    return chain(`ingress_${shortId(p.eni.id)}`, [...lines, "drop"]);
}

/** A rule about the interfaces in a group. It knows them by their private addresses, not by their public ones. */
function ofGroup(rule: SecurityGroupRule, ports: Port[], before: string, address: "saddr" | "daddr", verdict: string) {
    const members = ports.filter(({ eni }) => eni.securityGroupIds.includes(rule.referencedSecurityGroupId!));
    const families: [family: string, addresses: string[], foreign: string][] = [
        ["ip", members.map(({ eni }) => eni.privateIp), "icmpv6"],
        ["ip6", members.flatMap(({ eni }) => eni.ipv6Addresses), "icmp"],
    ];
    return families
        .filter(([, addresses, foreign]) => addresses.length > 0 && rule.ipProtocol !== foreign)
        .map(([family, all]) => `${before}${family} ${address} { ${all.join(", ")} } ${match(rule)}${verdict}`);
}

function isAny(rule: SecurityGroupRule): boolean {
    return rule.cidrIpv4 === "0.0.0.0/0" || rule.cidrIpv6 === "::/0";
}

function family(rule: SecurityGroupRule): string {
    return `meta nfproto ${rule.cidrIpv6 ? "ipv6" : "ipv4"}`;
}

/** Protocol and ports of a rule, with a final space; empty for all traffic. */
function match(rule: SecurityGroupRule): string {
    const { ipProtocol: protocol, fromPort: from = -1, toPort: to = -1 } = rule;
    switch (protocol) {
        case "-1":
            return "";
        case "tcp":
        case "udp":
            if (from < 0) return `meta l4proto ${protocol} `;
            return `${protocol} dport ${from === to ? from : `${from}-${to}`} `;
        case "icmp":
        case "icmpv6": {
            if (from < 0) return `meta l4proto ${protocol === "icmp" ? "icmp" : "ipv6-icmp"} `;
            return `${protocol} type ${from} ${to < 0 ? "" : `${protocol} code ${to} `}`;
        }
        default:
            return `meta l4proto ${protocol} `;
    }
}

function chain(name: string, lines: string[]): string {
    return `    chain ${name} {\n${lines.map((line) => `        ${line}\n`).join("")}    }\n`;
}
