import type { ResourceValidationPolicy } from "@pulumi/policy";

export const metadataServiceV2: ResourceValidationPolicy = {
    name: "metadata-service-v2",
    description: "The metadata service of an instance answers only with a token (IMDSv2).",
    enforcementLevel: "mandatory",
    validateResource: ({ type, name, props }, report) => {
        if (type !== "aws:ec2/instance:Instance") return;
        const options = props.metadataOptions as { httpEndpoint?: string; httpTokens?: string } | undefined;
        if (options?.httpTokens === "required" || options?.httpEndpoint === "disabled") return;
        report(
            `The metadata service of ${name} answers without a token: set metadataOptions.httpTokens to "required".`,
        );
    },
};
