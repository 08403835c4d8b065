import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { providerMessage } from "./failure.ts";

/**
 * Refuses regions apart from AWS's own, such as China and GovCloud (US): there other accounts publish the images, ARNs
 * begin otherwise, and certbot's Route 53 plug-in asks the Route 53 of the partition aws. The provider knows without asking AWS.
 * It is the first that is asked, and so tells of credentials that are missing.
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
