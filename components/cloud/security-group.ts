import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { OpenPort } from "../listeners.ts";
import { isIpv6 } from "../networks.ts";

export interface SecurityGroupArgs {
    vpcId: pulumi.Input<string>;
    /** TCP ports that the world, or the networks named, may reach, with what listens there. */
    ports: readonly OpenPort[];
    /** Networks that may reach port 22, CIDR blocks of either family. */
    sshAllowedCidrs: readonly string[];
    /** The subnet has IPv6. Without it there are no rules for that family, of the world or of networks. */
    ipv6: boolean;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * What may reach the machine and what it may reach. One rule resource a port and family, so that a preview shows the
 * rule that changes and not the whole group. Egress is explicit: the provider removes AWS's own allow-all rule.
 */
export class SecurityGroup extends pulumi.ComponentResource {
    readonly id: pulumi.Output<string>;
    readonly rules: pulumi.Resource[] = [];

    constructor(name: string, args: SecurityGroupArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:SecurityGroup", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const group = new aws.ec2.SecurityGroup(
            `${name}-group`,
            // A description cannot be changed in place, so it holds nothing that could.
            { vpcId: args.vpcId, description: "LinkMesh behind its reverse proxy", tags },
            { parent: this },
        );
        const base = { securityGroupId: group.id, tags };

        for (const { port, name: source, cidr, description } of ingress(args)) {
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
        const worlds = WORLD.filter(({ cidr }) => args.ipv6 || !isIpv6(cidr));
        for (const world of worlds) {
            this.rules.push(
                // Untracked flows do not let these answers in by themselves, and without them large packets vanish.
                new aws.vpc.SecurityGroupIngressRule(
                    `${name}-in-pmtu-${world.family}`,
                    { ...base, ...sourceOf(world.cidr), ...world.tooBig, description: "Path MTU discovery" },
                    { parent: this },
                ),
                new aws.vpc.SecurityGroupEgressRule(
                    `${name}-out-${world.family}`,
                    { ...base, ...sourceOf(world.cidr), ipProtocol: "-1", description: "Packages, ACME, DNS" },
                    { parent: this },
                ),
            );
        }

        this.id = group.id;
        this.registerOutputs({ id: this.id });
    }
}

type Ports = Pick<SecurityGroupArgs, "ports" | "sshAllowedCidrs" | "ipv6">;

/** Which network may reach which port: a rule each, and the last part of its name. Pure. */
function ingress({ ports, sshAllowedCidrs, ipv6 }: Ports) {
    const open = ports.flatMap(({ port, cidrs, description }) =>
        (cidrs.length === 0 ? WORLD.map(({ cidr }) => cidr) : cidrs).map((cidr) => {
            // The world by its two networks or by none is one rule: under another name AWS would refuse it as a second.
            const world = WORLD.find((one) => one.cidr === cidr);
            return { port, name: world?.family ?? idOf(cidr), cidr, description };
        }),
    );
    const description = "SSH, from which the machine is set up";
    const ssh = sshAllowedCidrs.map((cidr) => ({ port: SSH_PORT, name: idOf(cidr), cidr, description }));
    return [...open, ...ssh].filter(({ cidr }) => ipv6 || !isIpv6(cidr));
}

/** How many ingress rules the larger of the two families has, which AWS counts each by itself. Pure. */
export function ingressRules(ports: Ports): number {
    const all = ingress(ports);
    const ofIpv6 = all.filter(({ cidr }) => isIpv6(cidr)).length;
    // One more, for path MTU discovery.
    return Math.max(all.length - ofIpv6, ofIpv6) + 1;
}

const SSH_PORT = 22;

type Source = { readonly cidrIpv4: string } | { readonly cidrIpv6: string };

const sourceOf = (cidr: string): Source => (isIpv6(cidr) ? { cidrIpv6: cidr } : { cidrIpv4: cidr });
const idOf = (cidr: string) => cidr.replace(/[^0-9a-f]/g, "-");

const WORLD = [
    { family: "ipv4", cidr: "0.0.0.0/0", tooBig: { ipProtocol: "icmp", fromPort: 3, toPort: 4 } },
    { family: "ipv6", cidr: "::/0", tooBig: { ipProtocol: "icmpv6", fromPort: 2, toPort: 0 } },
] as const;
