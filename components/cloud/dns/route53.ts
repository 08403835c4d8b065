import * as aws from "@pulumi/aws";
import { withoutWildcard } from "../../hostnames.ts";
import type { DnsProvider, Zone } from "./provider.ts";
import { findZone } from "./route53-zone.ts";

/** Allows certbot's authenticator the challenges of these names only. IAM compares them in lower case without a final dot. Pure. */
function challengePolicy({ id }: Zone, names: readonly string[]): string {
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
                Resource: `arn:aws:route53:::hostedzone/${id}`,
                Condition: {
                    "ForAllValues:StringEquals": only,
                    // ForAllValues is also true for a request without the key.
                    Null: Object.fromEntries(Object.keys(only).map((key) => [key, "false"])),
                },
            },
        ],
    });
}

/** Hosted zones of the AWS account. */
export const route53: DnsProvider = {
    findZone,
    createRecordSet: (name, { zone, set: { values: records, ...set }, allowOverwrite }, opts) =>
        new aws.route53.Record(name, { zoneId: zone.id, ...set, records, allowOverwrite }, opts),
    dns01: { authenticator: "dns-route53", package: "python3-certbot-dns-route53", policy: challengePolicy },
};
