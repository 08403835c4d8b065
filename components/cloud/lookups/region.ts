import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { isTopic, regionOfTopic } from "../../settings/schema/types.ts";
import type { Settings } from "../../settings/settings.ts";
import { outsideChecks } from "../alarms/outside.ts";
import { ROUTE53_REGION } from "../alarms/regions.ts";

/** The stack's region. The provider knows it without a request to AWS. */
export async function findRegion(opts: pulumi.InvokeOptions): Promise<string> {
    const { region } = await aws.getRegion({}, opts);
    return region;
}

/** Refuses topics that no alarm of the stack can reach, and alarms without a receiver. @throws RunError */
export function refuseUnreachedTopics(settings: Settings, region: string, ipv6: boolean): void {
    if (settings.alarms.length === 0) return;
    const isChecked = outsideChecks(settings, ipv6).checks.length > 0;
    const regions = [...new Set([region, ...(isChecked ? [ROUTE53_REGION] : [])])];
    const topics = settings.alarms.filter(isTopic);
    const elsewhere = topics.find((arn) => !regions.includes(regionOfTopic(arn)));
    if (elsewhere !== undefined) {
        throw new pulumi.RunError(
            `alarms holds ${elsewhere}, but the stack has alarms only in ${regions.join(" and ")}, and an alarm reaches topics of its own region only. Remove it, or name a topic there.`,
        );
    }
    if (topics.length < settings.alarms.length) return;
    const silent = regions.find((one) => !topics.some((arn) => regionOfTopic(arn) === one));
    if (silent !== undefined) {
        const reason = silent === region ? "" : ", where AWS keeps the metrics of its checks from outside";
        throw new pulumi.RunError(
            `alarms holds no topic of ${silent}${reason}. Add a topic of that region, or an e-mail address.`,
        );
    }
}
