import { wildcard } from "./filters.ts";

/** A request as IAM sees it. */
export interface AccessRequest {
    action: string;
    /** The resource's ARN; "*" for an action without a resource. */
    resource: string;
    /** Condition keys of the request. Each may have several values. */
    context?: Partial<Record<string, string[]>>;
}

/** A single value may be written without brackets. */
type OneOrMore = string | readonly string[];

export interface PolicyDocument {
    Version: string;
    Statement: readonly {
        Sid?: string;
        Effect: string;
        Action: OneOrMore;
        Resource: OneOrMore;
        Condition?: { readonly [operator: string]: { readonly [key: string]: OneOrMore } | undefined };
    }[];
}

type Statement = PolicyDocument["Statement"][number];
type Context = NonNullable<AccessRequest["context"]>;
type Test = (wanted: readonly string[], values: readonly string[] | undefined) => boolean;

const equals = (wanted: string, value: string) => wanted === value;
const like = (wanted: string, value: string) => wildcard(wanted).test(value);

/** The lab's condition operators. If the request lacks the key, StringEquals, StringLike and ArnEquals are false. */
const OPERATORS: Record<string, Test> = {
    StringEquals: (wanted, values) => values?.some((value) => wanted.some((one) => equals(one, value))) ?? false,
    StringLike: (wanted, values) => values?.some((value) => wanted.some((one) => like(one, value))) ?? false,
    ArnEquals: (wanted, values) => values?.some((value) => wanted.some((one) => like(one, value))) ?? false,
    // These two are true if the request lacks the key. That is why policies also use Null.
    "ForAllValues:StringEquals": (wanted, values = []) =>
        values.every((value) => wanted.some((one) => equals(one, value))),
    "ForAllValues:StringLike": (wanted, values = []) => values.every((value) => wanted.some((one) => like(one, value))),
    Null: ([absent], values) => (values === undefined) === (absent === "true"),
};

/** Whether these policies allow a request. A deny wins. A request that no statement allows is denied. Pure. */
export function evaluate(policies: readonly PolicyDocument[], request: AccessRequest): boolean {
    const statements = policies.flatMap(({ Statement }) => Statement).filter((one) => applies(one, request));
    return statements.some(({ Effect }) => Effect === "Allow") && statements.every(({ Effect }) => Effect === "Allow");
}

function applies({ Action, Resource, Condition }: Statement, { action, resource, context = {} }: AccessRequest) {
    return (
        list(Action).some((one) => like(one, action)) &&
        list(Resource).some((one) => like(one, resource)) &&
        Object.entries(Condition ?? {}).every(([operator, tests]) => holds(operator, tests ?? {}, context))
    );
}

function holds(operator: string, tests: { readonly [key: string]: OneOrMore }, context: Context): boolean {
    const test = OPERATORS[operator];
    if (!test) throw new Error(`the lab does not evaluate the condition operator ${operator}`);
    return Object.entries(tests).every(([key, wanted]) => test(list(wanted), context[key]));
}

function list(value: OneOrMore): readonly string[] {
    return typeof value === "string" ? [value] : value;
}
