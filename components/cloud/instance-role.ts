import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { withoutWildcard } from "../hostnames.ts";
import { trustPolicy } from "./trust.ts";

export interface InstanceRoleArgs {
    /** Lets the machine answer DNS challenges. Default: none, the role may do nothing. */
    challenges?: {
        zoneId: pulumi.Input<string>;
        /** The names in the certificate, wildcards included. */
        names: readonly string[];
    };
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * The role of programs on the machine, so that there is no key to keep: it may do what certbot's Route 53 plug-in needs
 * for DNS-01, or nothing. It is always there and its policy alone changes, because taking an instance profile away from
 * an instance is no change to the provider: the machine would keep a profile that is deleted.
 */
export class InstanceRole extends pulumi.ComponentResource {
    /** Name of the instance profile. */
    readonly instanceProfile: pulumi.Output<string>;
    /** What must exist before the rights do. */
    readonly resources: pulumi.Resource[];

    constructor(name: string, args: InstanceRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:InstanceRole", name, {}, opts);
        const { challenges } = args;
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
        const profile = new aws.iam.InstanceProfile(`${name}-profile`, { role: role.name, tags }, { parent: this });
        this.instanceProfile = profile.name;
        this.resources = [profile];
        if (challenges) {
            const policy = pulumi
                .output(challenges.zoneId)
                .apply((zoneId) => renderChallengePolicy(zoneId, challenges.names));
            this.resources.push(
                new aws.iam.RolePolicy(`${name}-policy`, { role: role.name, policy }, { parent: this }),
            );
        }
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
