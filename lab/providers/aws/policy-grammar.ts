import { type Value, type Values, asText, isMap } from "../property-values.ts";

/** IAM's two kinds of documents: a role's trust policy, and a policy with its rights. */
export type PolicyKind = "trust" | "rights";

const DOCUMENT = ["Version", "Id", "Statement"];
const ELEMENTS: Record<PolicyKind, string[]> = {
    trust: ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"],
    rights: ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"],
};
const TRUST_ACTIONS = ["*", "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession"].map(
    (action) => `sts:${action}`,
);
const OPERATORS = [
    ...["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"].map(
        (how) => `String${how}`,
    ),
    ...["Numeric", "Date"].flatMap((type) =>
        ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map(
            (how) => type + how,
        ),
    ),
    ...["Equals", "NotEquals", "Like", "NotLike"].map((how) => `Arn${how}`),
    ...["Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"],
];
/** Some of the services that IAM accepts as principals of a trust policy. */
const SERVICES = ["ec2", "dlm", "ssm", "lambda", "ecs-tasks", "events", "backup", "monitoring", "cloudformation"];
const PRINCIPALS: Record<string, RegExp> = {
    Service: new RegExp(`^(${SERVICES.join("|")})\\.amazonaws\\.com$`),
    AWS: /^(\*|\d{12}|arn:aws:(iam|sts)::\d{12}:(root|(user|role|assumed-role)\/.+))$/,
    Federated:
        /^(arn:aws:iam::\d{12}:(oidc|saml)-provider\/.+|accounts\.google\.com|cognito-identity\.amazonaws\.com|graph\.facebook\.com|www\.amazon\.com)$/,
    CanonicalUser: /^[0-9a-f]{64}$/,
};
const SYNTAX = "Syntax errors in policy.";

/** IAM's reason for a MalformedPolicyDocument. The document is valid JSON: the provider checks that first. */
export function malformed(document: Value, kind: PolicyKind): string | undefined {
    if (!isMap(document)) return SYNTAX;
    const unknown = Object.keys(document).find((name) => !DOCUMENT.includes(name));
    if (unknown !== undefined) return `Unknown field ${unknown}`;
    const { Version, Statement } = document;
    if (Version !== undefined && Version !== "2012-10-17" && Version !== "2008-10-17") return SYNTAX;
    const statements = [Statement ?? []].flat();
    if (statements.length === 0 || !statements.every(isMap)) return SYNTAX;
    const ids = statements.map(({ Sid }) => Sid).filter((id) => id !== undefined && id !== "");
    if (new Set(ids).size < ids.length) return "Statement IDs (SID) in a single policy must be unique.";
    return first(statements, (statement) => wrongStatement(statement, kind));
}

/** Every "AWS" principal of a well-formed document. */
export function awsPrincipals(document: Values): string[] {
    const statements = [document.Statement ?? []].flat() as Values[];
    return statements.flatMap(({ Principal, NotPrincipal }) => {
        const principal = Principal ?? NotPrincipal;
        return isMap(principal) ? ([principal.AWS ?? []].flat() as string[]) : [];
    });
}

function wrongStatement(statement: Values, kind: PolicyKind): string | undefined {
    const unknown = Object.keys(statement).find((name) => !ELEMENTS[kind].includes(name));
    if (kind === "rights" && unknown === "Principal") return "Policy document should not specify a principal.";
    if (unknown === "Resource" || unknown === "NotResource") return `Has prohibited field ${unknown}`;
    if (unknown !== undefined) return `Unknown field ${unknown}`;
    if (!/^[0-9A-Za-z]*$/.test(asText(statement.Sid))) {
        return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";
    }
    if (statement.Effect !== "Allow" && statement.Effect !== "Deny") return SYNTAX;
    const wrong = kind === "trust" ? wrongTrust(statement) : wrongRights(statement);
    return wrong ?? wrongCondition(statement.Condition);
}

function wrongRights({ Action, NotAction, Resource, NotResource }: Values): string | undefined {
    if (!isTexts(Action ?? NotAction)) return "Policy statement must contain actions.";
    return isTexts(Resource ?? NotResource) ? undefined : "Policy statement must contain resources.";
}

function wrongTrust({ Principal, NotPrincipal, Action, NotAction }: Values): string | undefined {
    const principal = Principal ?? NotPrincipal;
    if (principal === undefined) {
        return "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!";
    }
    const actions = [Action ?? NotAction ?? []].flat();
    if (actions.length === 0 || !actions.every((action) => TRUST_ACTIONS.includes(action as string))) {
        return "AssumeRole policy may only specify STS AssumeRole actions.";
    }
    if (principal === "*") return undefined;
    if (!isMap(principal)) return SYNTAX;
    return first(Object.entries(principal), ([type, names]) =>
        first([names].flat(), (name) =>
            typeof name === "string" && PRINCIPALS[type]?.test(name) ? undefined : invalidPrincipal(type, name),
        ),
    );
}

export function invalidPrincipal(type: string, name: Value): string {
    return `Invalid principal in policy: "${type.toUpperCase()}":${JSON.stringify(name)}`;
}

function wrongCondition(condition: Value | undefined): string | undefined {
    if (condition === undefined) return undefined;
    if (!isMap(condition)) return SYNTAX;
    return first(Object.entries(condition), ([operator, tests]) => {
        const plain = operator.replace(/^For(All|Any)Values:/, "").replace(/IfExists$/, "");
        if (!OPERATORS.includes(plain)) return `Invalid Condition type : ${operator}.`;
        return isMap(tests) ? undefined : SYNTAX;
    });
}

function isTexts(value: Value | undefined): boolean {
    const texts = [value ?? []].flat();
    return texts.length > 0 && texts.every((text) => typeof text === "string");
}

function first<T>(items: T[], fault: (item: T) => string | undefined): string | undefined {
    for (const item of items) {
        const reason = fault(item);
        if (reason !== undefined) return reason;
    }
    return undefined;
}
