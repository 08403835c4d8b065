import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { OpenPort } from "../listeners.ts";
import { isIpv6 } from "../networks.ts";

export interface SecurityGroupArgs {
    vpcId: pulumi.Input<string>;
    /** TCP ports that clients may reach. */
    ports: readonly OpenPort[];
    /** The only group whose members may reach the ports. Default: the addresses of each port. */
    fromGroup?: pulumi.Input<string>;
    /** CIDR blocks that may reach port 22. */
    sshAllowedCidrs: readonly string[];
    /** Whether the subnet has IPv6. If not, there are no IPv6 rules. */
    ipv6: boolean;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * What may reach the machine and what it may reach. Each rule is a resource, so that a preview shows the rule that changes
 * instead of the whole group. The egress rules are needed, because the provider removes AWS's default allow-all rule.
 */
export class SecurityGroup extends pulumi.ComponentResource {
    readonly id: pulumi.Output<string>;
    readonly rules: pulumi.Resource[] = [];

    constructor(name: string, args: SecurityGroupArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:SecurityGroup", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const group = new aws.ec2.SecurityGroup(
            `${name}-group`,
            // A change of the description replaces the group, so it holds nothing that could change.
            { vpcId: args.vpcId, description: "LinkMesh behind its reverse proxy", tags },
            { parent: this },
        );
        const base = { securityGroupId: group.id, tags };

        const { fromGroup } = args;
        if (fromGroup !== undefined) {
            this.rules.push(
                ...args.ports.map(
                    ({ port, description }) =>
                        new aws.vpc.SecurityGroupIngressRule(
                            `${name}-in-${port}-balancer`,
                            {
                                ...{ ...base, referencedSecurityGroupId: fromGroup, description },
                                ...{ ipProtocol: "tcp", fromPort: port, toPort: port },
                            },
                            { parent: this },
                        ),
                ),
            );
        }
        for (const { port, name: source, cidr, description } of ingress({
            ...args,
            ports: fromGroup === undefined ? args.ports : [],
        })) {
            if (port === SSH_PORT && cidr.endsWith("/0")) {
                const sentence = `sshAllowedCidrs: ${cidr} lets the whole internet try to log in. Name the networks from which you run pulumi.`;
                void pulumi.log.warn(sentence, this);
            }
            this.rules.push(
                new aws.vpc.SecurityGroupIngressRule(
                    `${name}-in-${port}-${source}`,
                    { ...base, ...sourceOf(cidr), ipProtocol: "tcp", fromPort: port, toPort: port, description },
                    { parent: this },
                ),
            );
        }
        for (const network of ALL_ADDRESSES.filter(({ cidr }) => args.ipv6 || !isIpv6(cidr))) {
            this.rules.push(
                // AWS does not track connections of ports that are open to all addresses, so it does not let these ICMP
                // messages in by itself. Without them, large packets are lost.
                new aws.vpc.SecurityGroupIngressRule(
                    `${name}-in-pmtu-${network.family}`,
                    { ...base, ...sourceOf(network.cidr), ...network.tooBig, description: "Path MTU discovery" },
                    { parent: this },
                ),
                new aws.vpc.SecurityGroupEgressRule(
                    `${name}-out-${network.family}`,
                    { ...base, ...sourceOf(network.cidr), ipProtocol: "-1", description: "Packages, ACME, DNS" },
                    { parent: this },
                ),
            );
        }

        this.id = group.id;
        this.registerOutputs({ id: this.id });
    }
}

type Ports = Pick<SecurityGroupArgs, "ports" | "sshAllowedCidrs" | "ipv6">;

/** The ingress rules: port, CIDR block, and the last part of the resource's name. Pure. */
function ingress({ ports, sshAllowedCidrs, ipv6 }: Ports) {
    const open = ports.flatMap(({ port, cidrs, description }) =>
        (cidrs.length === 0 ? ALL_ADDRESSES.map(({ cidr }) => cidr) : cidrs).map((cidr) => {
            // An empty list and a list of 0.0.0.0/0 and ::/0 give rules of the same names. Otherwise a change from one to
            // the other would create the same rule again, which AWS refuses.
            const all = ALL_ADDRESSES.find((one) => one.cidr === cidr);
            return { port, name: all?.family ?? idOf(cidr), cidr, description };
        }),
    );
    const description = "SSH, from which the machine is set up";
    const ssh = sshAllowedCidrs.map((cidr) => ({ port: SSH_PORT, name: idOf(cidr), cidr, description }));
    return [...open, ...ssh].filter(({ cidr }) => ipv6 || !isIpv6(cidr));
}

/**
 * The number of ingress rules in the family that has more. AWS counts each family by itself, and a rule for a group in both.
 * Pure.
 */
export function ingressRules({ fromGroup = false, ...ports }: Ports & { readonly fromGroup?: boolean }): number {
    const all = ingress(fromGroup ? { ...ports, ports: [] } : ports);
    const ofIpv6 = all.filter(({ cidr }) => isIpv6(cidr)).length;
    // The last one is the rule for path MTU discovery.
    return (fromGroup ? ports.ports.length : 0) + Math.max(all.length - ofIpv6, ofIpv6) + 1;
}

const SSH_PORT = 22;

type Source = { readonly cidrIpv4: string } | { readonly cidrIpv6: string };

const sourceOf = (cidr: string): Source => (isIpv6(cidr) ? { cidrIpv6: cidr } : { cidrIpv4: cidr });
const idOf = (cidr: string) => cidr.replace(/[^0-9a-f]/g, "-");

const ALL_ADDRESSES = [
    { family: "ipv4", cidr: "0.0.0.0/0", tooBig: { ipProtocol: "icmp", fromPort: 3, toPort: 4 } },
    { family: "ipv6", cidr: "::/0", tooBig: { ipProtocol: "icmpv6", fromPort: 2, toPort: 0 } },
] as const;
