import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { certificateNames, usesCertificateManager } from "../../certificate.ts";
import type { Settings } from "../../settings/settings.ts";
import { openPorts } from "../../listeners.ts";
import { addressesName } from "../balancer-addresses.ts";
import { ingressRules } from "../security-group.ts";
import { dataTagValue } from "../snapshots.ts";
import { STACK_TAG } from "../stack-tag.ts";
import { providerMessage } from "./failure.ts";

interface Quota {
    readonly serviceCode: string;
    readonly quotaCode: string;
    /** Its name in the console of Service Quotas. */
    readonly label: string;
    /** AWS's default for every account. */
    readonly awsDefault: number;
}

const RULES: Quota = {
    ...{ serviceCode: "vpc", quotaCode: "L-0EA8095F", awsDefault: 60 },
    label: "Inbound or outbound rules per security group",
};
const ADDRESSES: Quota = {
    ...{ serviceCode: "ec2", quotaCode: "L-0263D0A3", awsDefault: 5 },
    label: "EC2-VPC Elastic IPs",
};
const NAMES: Quota = {
    ...{ serviceCode: "acm", quotaCode: "L-FB94F0B0", awsDefault: 10 },
    label: "Domain names per ACM certificate",
};

/** The account's own value. Read only if more than the default is needed, so that most users need no right for it. */
async function readQuota({ serviceCode, quotaCode, label, awsDefault }: Quota, opts: pulumi.InvokeOptions) {
    return aws.servicequotas.getServiceQuota({ serviceCode, quotaCode }, opts).then(
        ({ value }) => ({ value, words: `the account's quota "${label}" is ${value}` }),
        (error: unknown) => ({
            value: undefined,
            words: `AWS's default for the quota "${label}" is ${awsDefault}, and the account's own cannot be read (${providerMessage(error)}; reading it needs the rights servicequotas:GetServiceQuota and servicequotas:GetAWSDefaultServiceQuota)`,
        }),
    );
}

/**
 * Warns if the account's quota may be too small.
 * @param sentence with what is known of the quota
 * @throws RunError if it is
 */
async function refuseBeyond(
    quota: Quota,
    needed: number,
    sentence: (words: string) => string,
    opts: pulumi.InvokeOptions,
): Promise<void> {
    if (needed <= quota.awsDefault) return;
    const { value, words } = await readQuota(quota, opts);
    if (value !== undefined && needed <= value) return;
    if (value !== undefined) throw new pulumi.RunError(sentence(words));
    void pulumi.log.warn(sentence(words));
}

/** Warns if AWS Certificate Manager may refuse so many names. @throws RunError if it does */
export async function refuseTooManyNames(settings: Settings, opts: pulumi.InvokeOptions): Promise<void> {
    if (!usesCertificateManager(settings)) return;
    const { length } = certificateNames(settings);
    const sentence = (words: string) =>
        `certificateNames holds ${length} names, but ${words}. Name fewer, such as a wildcard in place of several, or ask AWS to raise the quota.`;
    await refuseBeyond(NAMES, length, sentence, opts);
}

/** Warns if a security group may have more rules than the account's quota. @throws RunError if it has */
export async function refuseTooManyRules(settings: Settings, ipv6: boolean, opts: pulumi.InvokeOptions): Promise<void> {
    const [ports, { sshAllowedCidrs }] = [openPorts(settings), settings];
    // With several nodes clients reach the load balancer, and only that reaches the nodes.
    const groups =
        settings.nodes > 1
            ? [
                  { ports, sshAllowedCidrs: [] },
                  { ports, sshAllowedCidrs, fromGroup: true },
              ]
            : [{ ports, sshAllowedCidrs }];
    const rules = Math.max(...groups.map((group) => ingressRules({ ...group, ipv6 })));
    const sentence = (words: string) =>
        `sshAllowedCidrs, httpsAllowedCidrs and grpcAllowedCidrs need ${rules} rules of one family in the security group, but ${words}. Name fewer, larger networks, or ask AWS to raise the quota.`;
    await refuseBeyond(RULES, rules, sentence, opts);
}

/** Only warns: addresses of the user's own range do not count, and one may be left from an interrupted first update. */
export async function warnAboutAddressQuota(opts: pulumi.InvokeOptions): Promise<void> {
    await warnAboutAddresses("publicAddress:", 1, opts);
}

/**
 * Like {@link warnAboutAddressQuota}, for the addresses that the load balancer does not have yet.
 * @param name of the LinkMeshProxy
 */
export async function warnAboutAddressesOfBalancer(
    name: string,
    zones: number,
    opts: pulumi.InvokeOptions,
): Promise<void> {
    const filters = [
        { name: `tag:${STACK_TAG}`, values: [dataTagValue(name)] },
        { name: "tag:Name", values: [`${addressesName(name)}-*`] },
    ];
    const missing = zones - (await countAddresses({ filters }, opts));
    if (missing <= 0) return;
    await warnAboutAddresses(`nodes: the load balancer needs ${missing} more Elastic IP addresses,`, missing, opts);
}

async function warnAboutAddresses(begins: string, needed: number, opts: pulumi.InvokeOptions): Promise<void> {
    const used = await countAddresses({}, opts);
    if (used + needed <= ADDRESSES.awsDefault) return;
    const { value, words } = await readQuota(ADDRESSES, opts);
    if (value !== undefined && used + needed <= value) return;
    void pulumi.log.warn(
        `${begins} the account has ${used} Elastic IP addresses in this region, and ${words}. If the update fails with AddressLimitExceeded, release ${needed === 1 ? "one" : "some"} or ask AWS to raise the quota, and run it again.`,
    );
}

/** 0, and so no warning, without the right to list addresses. */
async function countAddresses(args: aws.ec2.GetEipsArgs, opts: pulumi.InvokeOptions): Promise<number> {
    return aws.ec2.getEips(args, opts).then(
        ({ allocationIds }) => allocationIds.length,
        () => 0,
    );
}
