import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { withoutWildcard } from "../surfaces.ts";
import { trustPolicy } from "./trust.ts";

export interface ChallengeRightsArgs {
    zoneId: pulumi.Input<string>;
    /** The names in the certificate, wildcards included. */
    names: readonly string[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * What certbot's Route 53 plug-in needs for DNS-01, and nothing more: the TXT records of the challenges for these names
 * in this zone. The machine has the rights by its role, so there is no key to keep.
 */
export class ChallengeRights extends pulumi.ComponentResource {
    /** Name of the instance profile. */
    readonly instanceProfile: pulumi.Output<string>;
    /** What must exist before the rights do. */
    readonly resources: pulumi.Resource[];

    constructor(name: string, args: ChallengeRightsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:ChallengeRights", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const role = new aws.iam.Role(
            `${name}-role`,
            {
                description: "Lets the LinkMesh proxy answer DNS challenges for its certificate",
                assumeRolePolicy: trustPolicy("ec2.amazonaws.com"),
                tags,
            },
            { parent: this },
        );
        const policy = new aws.iam.RolePolicy(
            `${name}-policy`,
            {
                role: role.name,
                policy: pulumi.output(args.zoneId).apply((zoneId) => renderChallengePolicy(zoneId, args.names)),
            },
            { parent: this },
        );
        const profile = new aws.iam.InstanceProfile(
            `${name}-profile`,
            { role: role.name, tags },
            { parent: this, dependsOn: [policy] },
        );
        this.instanceProfile = profile.name;
        this.resources = [policy, profile];
        this.registerOutputs({ instanceProfile: this.instanceProfile });
    }
}

/** The policy document. Route 53 compares names in lower case, without a final dot. Pure. */
export function renderChallengePolicy(zoneId: string, names: readonly string[]): string {
    const prefix = "route53:ChangeResourceRecordSets";
    const only = {
        [`${prefix}NormalizedRecordNames`]: [...new Set(names.map((one) => `_acme-challenge.${withoutWildcard(one)}`))],
        [`${prefix}RecordTypes`]: ["TXT"],
        [`${prefix}Actions`]: ["UPSERT", "DELETE"],
    };
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            { Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" },
            { Effect: "Allow", Action: "route53:GetChange", Resource: "arn:aws:route53:::change/*" },
            {
                Effect: "Allow",
                Action: "route53:ChangeResourceRecordSets",
                Resource: `arn:aws:route53:::hostedzone/${zoneId}`,
                Condition: {
                    "ForAllValues:StringEquals": only,
                    // A request without the key would pass for all values of none.
                    Null: Object.fromEntries(Object.keys(only).map((key) => [key, "false"])),
                },
            },
        ],
    });
}
