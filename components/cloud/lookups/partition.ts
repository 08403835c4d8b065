import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { providerMessage } from "./failure.ts";

/**
 * Refuses regions of other partitions than aws, such as China and GovCloud (US). There, other accounts publish the images,
 * ARNs have another prefix, and certbot's Route 53 plug-in would use the Route 53 of the partition aws. The provider knows
 * the partition without a request to AWS. This is the first lookup, so it also reports missing credentials.
 * @throws RunError
 */
export async function refuseOtherPartition(opts: pulumi.InvokeOptions): Promise<void> {
    const { partition } = await aws.getPartition({}, opts).catch((error: unknown) => {
        throw new pulumi.RunError(
            `AWS does not answer: ${providerMessage(error)}. Set aws:region or AWS_REGION, and the credentials of an account.`,
        );
    });
    if (partition === "aws") return;
    throw new pulumi.RunError(
        `aws:region is in the partition ${partition}, which the program does not support. Choose a region of the partition aws, such as eu-central-1.`,
    );
}
