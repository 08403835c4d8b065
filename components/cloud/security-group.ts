import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { isIpv6, type OpenPort } from "../surfaces.ts";

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

        const allow = (port: number, suffix: string, source: Source, description: string) =>
            this.rules.push(
                new aws.vpc.SecurityGroupIngressRule(
                    `${name}-in-${port}-${suffix}`,
                    { ...base, ...source, ipProtocol: "tcp", fromPort: port, toPort: port, description },
                    { parent: this },
                ),
            );
        const reachable = (cidr: string) => args.ipv6 || !isIpv6(cidr);
        const worlds = WORLD.filter(({ cidr }) => reachable(cidr));
        for (const { port, cidrs, description } of args.ports) {
            const sources = cidrs.length === 0 ? WORLD.map(({ cidr }) => cidr) : cidrs;
            for (const cidr of sources.filter(reachable)) {
                // The world by its two networks or by none is one rule: under another name AWS would refuse it as a second.
                const world = WORLD.find((one) => one.cidr === cidr);
                allow(port, world?.family ?? idOf(cidr), sourceOf(cidr), description);
            }
        }
        for (const cidr of args.sshAllowedCidrs.filter(reachable)) {
            if (cidr.endsWith("/0")) {
                const sentence = `sshAllowedCidrs: ${cidr} lets the whole internet try to log in; name the networks from which you run pulumi.`;
                void pulumi.log.warn(sentence, this);
            }
            allow(22, idOf(cidr), sourceOf(cidr), "SSH, from which the machine is set up");
        }
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

type Source = { readonly cidrIpv4: string } | { readonly cidrIpv6: string };

const sourceOf = (cidr: string): Source => (isIpv6(cidr) ? { cidrIpv6: cidr } : { cidrIpv4: cidr });
const idOf = (cidr: string) => cidr.replace(/[^0-9a-f]/g, "-");

const WORLD = [
    { family: "ipv4", cidr: "0.0.0.0/0", tooBig: { ipProtocol: "icmp", fromPort: 3, toPort: 4 } },
    { family: "ipv6", cidr: "::/0", tooBig: { ipProtocol: "icmpv6", fromPort: 2, toPort: 0 } },
] as const;
