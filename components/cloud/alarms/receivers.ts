import { AsyncResource } from "node:async_hooks";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../../mocks.ts";
import { isTopic, regionOfTopic } from "../../settings/schema/types.ts";

export interface ReceiversArgs {
    /** The setting `alarms`. */
    receivers: readonly string[];
    /** Of the alarms: an alarm can only reach a topic of its own region. */
    region: string;
    tags: Readonly<Record<string, string>>;
}

/**
 * The topics that the alarms of one region are sent to: those of the setting, and one of the program's own for the e-mail
 * addresses. They exist while the stack is paused, so that nobody has to confirm a subscription again.
 */
export function createTopics(
    name: string,
    { receivers, region, tags }: ReceiversArgs,
    parent: pulumi.Resource,
): pulumi.Input<string>[] {
    const given = receivers.filter((one) => isTopic(one) && regionOfTopic(one) === region);
    const addresses = receivers.filter((one) => !isTopic(one));
    if (addresses.length === 0) return given;
    const topic = new aws.sns.Topic(`${name}-topic-${region}`, { region, tags }, { parent });
    for (const address of addresses) {
        new aws.sns.TopicSubscription(
            `${name}-mail-${region}-${address}`,
            { region, topic: topic.arn, protocol: "email", endpoint: address },
            { parent, hooks: askToConfirm(`${name}-mail-${region}-${address}`, address, region, parent) },
        );
    }
    return [topic.arn, ...given];
}

/** A warning when a subscription is created. Later runs cannot know whether it was confirmed without a refresh. */
function askToConfirm(name: string, address: string, region: string, parent: pulumi.Resource) {
    if (isMocked()) return {};
    const sentence = `alarms: AWS has sent ${address} a mail about the alarms in ${region}. Nothing arrives until someone follows the link in it, within 2 days.`;
    // Bound to this run of the program, as in step-hooks.ts.
    const warn = AsyncResource.bind(() => pulumi.log.warn(sentence, parent));
    return { afterCreate: [new pulumi.ResourceHook(`${name}-confirm`, warn, { ignoreErrors: true })] };
}
