import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type PolicyDocument, evaluate } from "../../lab/providers/aws/policy-evaluation.ts";
import { parseCall } from "../../lab/providers/aws/rights/call.ts";
import { RESOURCE_CALLS } from "../../lab/providers/aws/rights/calls.ts";

const read = (name: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, `../../docs/iam/${name}.json`), "utf8")) as PolicyDocument;
const actionsOf = (name: string) => read(name).Statement.flatMap(({ Action }) => Action);

/** Whether AWS gives the role to a job with this subject. A trust policy has no resource. */
function mayTake(role: string, sub: string, aud = "sts.amazonaws.com"): boolean {
    const { Version, Statement } = read(role);
    const context = {
        "token.actions.githubusercontent.com:sub": [sub],
        "token.actions.githubusercontent.com:aud": [aud],
    };
    const document = { Version, Statement: Statement.map((statement) => ({ ...statement, Resource: "*" })) };
    return evaluate([document], { action: "sts:AssumeRoleWithWebIdentity", resource: "role", context });
}

test.each<[string, string, boolean]>([
    ["trust-preview", "REPOSITORY:pull_request", true],
    ["trust-preview", "REPOSITORY:ref:refs/heads/feature/x", true],
    ["trust-preview", "REPOSITORY:ref:refs/tags/v1", false],
    ["trust-preview", "REPOSITORY:environment:production", false],
    ["trust-preview", "REPOSITORY2:pull_request", false],
    ["trust-environment", "REPOSITORY:environment:ENVIRONMENT", true],
    ["trust-environment", "REPOSITORY:environment:ENVIRONMENT2", false],
    ["trust-environment", "REPOSITORY:pull_request", false],
    ["trust-environment", "REPOSITORY:ref:refs/heads/main", false],
])("%s: a job with the subject %s gets the role: %s", (role, sub, expected) => {
    expect(mayTake(role, sub)).toBe(expected);
    expect(mayTake(role, sub, "https://github.com/acme")).toBe(false);
});

test("the roles for previews and drift change nothing", () => {
    const actions = ["preview", "refresh", "state-read"].flatMap(actionsOf);
    expect(actions.length).toBeGreaterThan(20);
    expect(
        actions.filter((action) => !/^\w+:(Describe|Get|List)|^(servicequotas:Get|kms:Decrypt$)/.test(action)),
    ).toEqual([]);
});

test("the role for drift may read every resource that the program can make", () => {
    const held = new Set(["preview", "refresh"].flatMap(actionsOf));
    const reads = Object.values(RESOURCE_CALLS).flatMap((calls) => calls.read.map((text) => parseCall(text).action));
    expect(reads.length).toBeGreaterThan(30);
    expect([...new Set(reads)].filter((action) => !held.has(action))).toEqual([]);
});

test("the role for drift may read tags of a zone and of a health check, which are one action", () => {
    const documents = ["preview", "refresh"].map(read);
    const mayRead = (resource: string) =>
        evaluate(documents, { action: "route53:ListTagsForResource", resource: `arn:aws:route53:::${resource}` });
    expect([mayRead("hostedzone/Z1"), mayRead("healthcheck/1"), mayRead("domain/x")]).toEqual([true, true, false]);
});
