import { z } from "zod";
import type { Value } from "../values.ts";
import { wildcard } from "./filters.ts";
import { notJson } from "./iam.ts";
import { malformed } from "./policy-grammar.ts";

/** What the lab's AWS can be asked for with a role's credentials. */
const ACTIONS = ["route53:ListHostedZones", "route53:ChangeResourceRecordSets", "route53:GetChange"] as const;

/** What a request tells about itself, besides the action and the resource. */
const CONTEXT_KEYS = [
    "route53:ChangeResourceRecordSetsNormalizedRecordNames",
    "route53:ChangeResourceRecordSetsRecordTypes",
    "route53:ChangeResourceRecordSetsActions",
] as const;

export interface AccessRequest {
    action: (typeof ACTIONS)[number];
    /** Its ARN; "*" for an action that has none. */
    resource: string;
    /** Each key may have several values. */
    context?: Partial<Record<(typeof CONTEXT_KEYS)[number], string[]>>;
}

// Of IAM's policy language exactly this: what the lab would not evaluate must not look as if it did something.
const literal = z.string().regex(/^[^$]*$/, "the lab has no policy variables");
const pattern = z
    .string()
    .regex(/^(\*|arn:aws:route53:::(hostedzone|change)\/[\w*?]+)$/, 'the lab has "*" and ARNs of Route 53 only');
/** One may stand without the brackets. */
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

type Statement = z.infer<typeof statement>;
type Context = NonNullable<AccessRequest["context"]>;

/** What of a policy of rights the lab does not know. What IAM itself refuses is left to IAM. */
export function wrongPolicy(text: string): string | undefined {
    const reason = notJson(text);
    if (reason) return reason;
    const document = JSON.parse(text) as Value;
    if (malformed(document, "rights")) return undefined;
    const { error } = policyDocument.safeParse(document);
    return error && `unknown to the lab: ${z.prettifyError(error).replace(/\s*\n\s*/g, " ")}`;
}

/** Whether these policies allow a request. A statement that denies wins; what no statement allows is denied. Pure. */
export function allows(policies: string[], request: AccessRequest): boolean {
    const statements = policies
        .flatMap((text) => policyDocument.parse(JSON.parse(text)).Statement)
        .filter((one) => applies(one, request));
    return statements.some(({ Effect }) => Effect === "Allow") && statements.every(({ Effect }) => Effect === "Allow");
}

function applies({ Action, Resource, Condition }: Statement, { action, resource, context = {} }: AccessRequest) {
    return (
        Action.includes(action) &&
        Resource.some((one) => wildcard(one).test(resource)) &&
        holds(Condition ?? {}, context)
    );
}

function holds(condition: NonNullable<Statement["Condition"]>, context: Context): boolean {
    // True for a key that the request does not have: that is why policies add Null.
    const forAll = (wanted: z.infer<typeof tests> = {}, matches: (wanted: string, value: string) => boolean) =>
        entries(wanted).every(([key, values]) =>
            (context[key] ?? []).every((value) => values.some((one) => matches(one, value))),
        );
    return (
        forAll(condition["ForAllValues:StringEquals"], (one, value) => one === value) &&
        forAll(condition["ForAllValues:StringLike"], (one, value) => wildcard(one).test(value)) &&
        entries(condition.Null ?? {}).every(([key, absent]) => (context[key] === undefined) === (absent === "true"))
    );
}

function entries<K extends string, V>(record: Partial<Record<K, V>>): [K, V][] {
    return Object.entries(record) as [K, V][];
}
