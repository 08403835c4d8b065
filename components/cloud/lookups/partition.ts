import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/**
 * Refuses regions apart from AWS's own, such as China and GovCloud (US): there other accounts publish the images, ARNs
 * begin otherwise, and certbot's Route 53 plug-in asks the Route 53 of the partition aws. The provider knows without asking AWS.
 * @throws RunError
 */
export async function refuseOtherPartition(opts: pulumi.InvokeOptions): Promise<void> {
    const { partition } = await aws.getPartition({}, opts);
    if (partition === "aws") return;
    throw new pulumi.RunError(
        `aws:region is a region of the partition ${partition}, where images, ARNs and Route 53 are others than the program knows; choose a region of the partition aws, such as eu-central-1.`,
    );
}
