/**
 * Elastic Load Balancing's security policies for TLS listeners, with the oldest and the newest version that each takes.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html
 */
const POLICIES: Record<string, [oldest: string, newest: string]> = {
    "ELBSecurityPolicy-TLS13-1-3-2021-06": ["TLSv1.3", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09": ["TLSv1.3", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-2021-06": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06": ["TLSv1.2", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-1-2021-06": ["TLSv1.1", "TLSv1.3"],
    "ELBSecurityPolicy-TLS13-1-0-2021-06": ["TLSv1.0", "TLSv1.3"],
    "ELBSecurityPolicy-TLS-1-2-Ext-2018-06": ["TLSv1.2", "TLSv1.2"],
    "ELBSecurityPolicy-TLS-1-2-2017-01": ["TLSv1.2", "TLSv1.2"],
    "ELBSecurityPolicy-TLS-1-1-2017-01": ["TLSv1.1", "TLSv1.2"],
    "ELBSecurityPolicy-2016-08": ["TLSv1.0", "TLSv1.2"],
};

/** AWS's choice if a listener names none. */
export const DEFAULT_POLICY = "ELBSecurityPolicy-2016-08";

export function isTlsPolicy(name: string): boolean {
    return POLICIES[name] !== undefined;
}

/** The TLS versions of a policy. */
export function versionsOf(name: string): [oldest: string, newest: string] {
    const found = POLICIES[name];
    if (!found) throw new Error(`${name} is no security policy`);
    return found;
}
