import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { LISTENERS } from "../../components/listeners.ts";

const SSH_PORT = 22;

export const sshNotOpenToTheWorld: ResourceValidationPolicy = {
    name: "ssh-not-open-to-the-world",
    description: "Port 22 is open only to networks of a limited size.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            shortestIpv4Prefix: { type: "integer", minimum: 1, maximum: 32, default: 8 },
            shortestIpv6Prefix: { type: "integer", minimum: 1, maximum: 128, default: 20 },
            prefixLists: { type: "array", items: { type: "string" }, default: [] },
        },
    },
    validateResource: (args, report) => {
        const { shortestIpv4Prefix, shortestIpv6Prefix, prefixLists } = args.getConfig<{
            shortestIpv4Prefix: number;
            shortestIpv6Prefix: number;
            prefixLists: string[];
        }>();
        for (const { cidr } of openings(args).filter(includes(SSH_PORT))) {
            if (isPrefixList(cidr)) {
                if (!prefixLists.includes(cidr))
                    report(
                        `${cidr} may connect to port 22, and no policy sees which networks this prefix list has: name them in sshAllowedCidrs, or the list in prefixLists of this policy's configuration.`,
                    );
                continue;
            }
            const shortest = cidr.includes(":") ? shortestIpv6Prefix : shortestIpv4Prefix;
            if (PRIVATE_IPV6.test(cidr) || prefixLength(cidr) >= shortest) continue;
            report(
                `${cidr} may connect to port 22, which is more than a /${shortest}: name the networks from which you run pulumi in sshAllowedCidrs.`,
            );
        }
    },
};

export const internalPortsClosed: ResourceValidationPolicy = {
    name: "internal-ports-closed",
    description: "No network may connect to LinkMesh's own ports past nginx.",
    enforcementLevel: "mandatory",
    validateResource: (args, report) => {
        for (const { listener, port, publicPort } of INTERNAL_PORTS) {
            for (const { cidr } of openings(args).filter(includes(port))) {
                report(
                    `${cidr} may connect to port ${port}, past nginx: close it, and name the clients in ${listener}AllowedCidrs, which opens port ${publicPort}.`,
                );
            }
        }
    },
};

const INTERNAL_PORTS = Object.entries(LISTENERS).flatMap(([listener, row]) =>
    "internalPort" in row ? [{ listener, port: row.internalPort, publicPort: row.port }] : [],
);

/** All of fc00::/7, the counterpart of 10.0.0.0/8. */
const PRIVATE_IPV6 = /^f[cd]/i;

const prefixLength = (cidr: string) => Number(cidr.split("/")[1]);

/** Whether the source is an id such as "pl-0123456789abcdef0" and no CIDR. */
const isPrefixList = (source: string) => !source.includes("/");

/** A network, or a prefix list, that may open TCP connections to a range of ports. */
interface Opening {
    readonly cidr: string;
    readonly from: number;
    readonly to: number;
}

const includes =
    (port: number) =>
    ({ from, to }: Opening) =>
        from <= port && port <= to;

/** What a rule lets in, in each of the forms in which AWS's provider has rules. */
function openings({ type, props }: ResourceValidationArgs): Opening[] {
    switch (type) {
        case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            return opening({
                protocol: props.ipProtocol,
                ...ports(props),
                cidrBlocks: [props.cidrIpv4, props.cidrIpv6, props.prefixListId],
            });
        case "aws:ec2/securityGroupRule:SecurityGroupRule":
            return props.type === "ingress" ? opening(inline(props)) : [];
        case "aws:ec2/securityGroup:SecurityGroup":
        case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
            return ((props.ingress ?? []) as Props[]).flatMap((rule) => opening(inline(rule)));
        default:
            return [];
    }
}

type Props = ResourceValidationArgs["props"];

interface Rule {
    readonly protocol: unknown;
    readonly fromPort: unknown;
    readonly toPort: unknown;
    readonly cidrBlocks: readonly unknown[];
}

const ports = ({ fromPort, toPort }: Props) => ({ fromPort: fromPort as unknown, toPort: toPort as unknown });

const inline = (props: Props): Rule => ({
    protocol: props.protocol,
    ...ports(props),
    cidrBlocks: [props.cidrBlocks, props.ipv6CidrBlocks, props.prefixListIds].flatMap(
        (list) => (list ?? []) as unknown[],
    ),
});

/** All protocols mean all ports, whatever the rule says about ports. */
function opening({ protocol, fromPort, toPort, cidrBlocks }: Rule): Opening[] {
    const name = String(protocol).toLowerCase();
    const all = name === "-1" || name === "all";
    if (!all && name !== "tcp" && name !== "6") return [];
    // A port that is no number, such as one that is known only later, could be any.
    const port = (value: unknown, any: number) => (all || !Number.isInteger(value) ? any : (value as number));
    const [from, to] = [port(fromPort, 0), port(toPort, 65535)];
    return cidrBlocks.filter((cidr) => typeof cidr === "string").map((cidr) => ({ cidr, from, to }));
}
