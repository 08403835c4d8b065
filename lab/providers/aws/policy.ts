import { z } from "zod";
import type { Value } from "../property-values.ts";
import { notJson } from "./iam.ts";
import { type AccessRequest, evaluate } from "./policy-evaluation.ts";
import { malformed } from "./policy-grammar.ts";

/** The actions that a role's credentials can call in the lab's AWS. */
const ACTIONS = [
    ...(["route53:ListHostedZones", "route53:ChangeResourceRecordSets", "route53:GetChange"] as const),
    "cloudwatch:PutMetricData",
    // The lab has no Systems Manager to call.
    "ssm:UpdateInstanceInformation",
    ...(["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"] as const),
    ...(["ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"] as const),
] as const;

/** The condition keys of the lab's requests to Route 53. */
const CONTEXT_KEYS = [
    "route53:ChangeResourceRecordSetsNormalizedRecordNames",
    "route53:ChangeResourceRecordSetsRecordTypes",
    "route53:ChangeResourceRecordSetsActions",
] as const;

// Exactly the part of IAM's policy language that the lab evaluates. The rest is refused, so that it does not look as if
// it had an effect.
const literal = z.string().regex(/^[^$]*$/, "the lab has no policy variables");
const pattern = z
    .string()
    .regex(/^(\*|arn:aws:route53:::(hostedzone|change)\/[\w*?]+)$/, 'the lab has "*" and ARNs of Route 53 only');
/** A single value may be written without brackets. */
const oneOrMore = <T extends z.ZodType>(item: T) => z.preprocess((value) => [value].flat(), z.array(item).min(1));
const tests = z.partialRecord(z.enum(CONTEXT_KEYS), oneOrMore(literal));
const statement = z.strictObject({
    Sid: z
        .string()
        .regex(/^[A-Za-z0-9]*$/)
        .optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Action: oneOrMore(z.enum(ACTIONS)),
    Resource: oneOrMore(pattern),
    Condition: z
        .strictObject({
            StringEquals: z.strictObject({ "cloudwatch:namespace": oneOrMore(literal) }).optional(),
            "ForAllValues:StringEquals": tests.optional(),
            "ForAllValues:StringLike": tests.optional(),
            Null: z.partialRecord(z.enum(CONTEXT_KEYS), z.enum(["true", "false"])).optional(),
        })
        .optional(),
});
const policyDocument = z.strictObject({
    Version: z.literal("2012-10-17"),
    Id: z.string().optional(),
    Statement: oneOrMore(statement),
});

/** Which part of a policy the lab does not evaluate. A malformed policy passes, because IAM refuses it itself. */
export function wrongPolicy(text: string): string | undefined {
    const reason = notJson(text);
    if (reason) return reason;
    const document = JSON.parse(text) as Value;
    if (malformed(document, "rights")) return undefined;
    const { error } = policyDocument.safeParse(document);
    return error && `unknown to the lab: ${z.prettifyError(error).replace(/\s*\n\s*/g, " ")}`;
}

/** Whether a role's policies allow a request. Pure. */
export function allows(policies: string[], request: AccessRequest): boolean {
    return evaluate(
        policies.map((text) => policyDocument.parse(JSON.parse(text))),
        request,
    );
}
