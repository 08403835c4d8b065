import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DATA_TAG } from "../../components/cloud/stack-tag.ts";
import { type PolicyDocument, evaluate } from "../../lab/providers/aws/policy-evaluation.ts";
import { parseCall } from "../../lab/providers/aws/rights/call.ts";
import { RESOURCE_CALLS } from "../../lab/providers/aws/rights/calls.ts";
import { DOCUMENTS } from "../../lab/providers/aws/rights/deployer.ts";

const read = (name: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, `../../docs/iam/${name}.json`), "utf8")) as PolicyDocument;
const serviceOf = (action: string) => action.split(":")[0]!;
const servicesOf = ({ Action }: PolicyDocument["Statement"][number]) => [Action].flat().map(serviceOf);
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
    ["trust-preview", "REPOSITORY:ref:refs/heads/main", true],
    ["trust-preview", "REPOSITORY:ref:refs/heads/main2", false],
    ["trust-preview", "REPOSITORY:ref:refs/heads/feature/x", false],
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

test.each<[string, boolean]>([
    ["PROJECT/STACK/linkmesh", true],
    ["PROJECT/STACK/blue", true],
    ["PROJECT/STACK2/linkmesh", false],
    ["PROJECT2/STACK/linkmesh", false],
])("the snapshots of %s may be deleted by the nightly re-creation of the stack: %s", (tag, expected) => {
    const call = { action: "ec2:DeleteSnapshot", resource: "arn:aws:ec2:eu-central-1::snapshot/snap-1" };
    const context = { "aws:ResourceTag/linkmesh-proxy": [tag] };
    expect(evaluate([read("expire-snapshots")], { ...call, context })).toBe(expected);
});

test("the deployer may run the command that modes.md shows for a snapshot, and restoreFrom accepts the snapshot", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/modes.md"), "utf8");
    const [, tags = ""] = /aws ec2 create-snapshot [^']*'ResourceType=snapshot,Tags=\[(.*)\]'/.exec(page) ?? [];
    const given = [...tags.matchAll(/\{Key=([\w-]+),Value=([\w/-]+)\}/g)].map(([, key, value]) => [key!, value!]);
    const prefixed = (kind: string) =>
        Object.fromEntries(given.map(([key, value]) => [`aws:${kind}Tag/${key}`, [value!]]));
    const may = (action: string, resource: string, context: Record<string, string[]>) =>
        evaluate(Object.values(DOCUMENTS), { action, resource: `arn:aws:ec2:eu-central-1:${resource}`, context });
    const requested = prefixed("Request");
    const volume = { ...requested, "aws:ResourceTag/Name": ["linkmesh-machine-data"] };
    expect([
        may("ec2:CreateSnapshot", "123456789012:volume/vol-1", volume),
        may("ec2:CreateSnapshot", ":snapshot/snap-1", requested),
        may("ec2:CreateTags", ":snapshot/snap-1", { ...requested, "ec2:CreateAction": ["CreateSnapshot"] }),
        may("ec2:CreateVolume", ":snapshot/snap-1", prefixed("Resource")),
    ]).toEqual([true, true, true, true]);
    expect(Object.fromEntries(given)).toMatchObject({ [DATA_TAG]: "PROJECT/STACK/linkmesh" });
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
    // Not those of a type that only the lab knows: no document names its service.
    const services = new Set(Object.values(DOCUMENTS).flatMap(({ Statement }) => Statement.flatMap(servicesOf)));
    const missing = [...new Set(reads)].filter((action) => services.has(serviceOf(action)) && !held.has(action));
    expect(missing).toEqual([]);
});

test("the role for drift may read tags of a zone and of a health check, which are one action", () => {
    const documents = ["preview", "refresh"].map(read);
    const mayRead = (resource: string) =>
        evaluate(documents, { action: "route53:ListTagsForResource", resource: `arn:aws:route53:::${resource}` });
    expect([mayRead("hostedzone/Z1"), mayRead("healthcheck/1"), mayRead("domain/x")]).toEqual([true, true, false]);
});

test.each<[string, boolean]>([
    // Pulumi's files of a stack in S3.
    ["stacks/PROJECT/STACK.json", true],
    ["stacks/PROJECT/STACK.json.bak", true],
    ["stacks/PROJECT/STACK.pulumi-tags", true],
    ["backups/PROJECT/STACK/STACK.1.json", true],
    ["history/PROJECT/STACK/STACK-1.history.json", true],
    ["journal/PROJECT/STACK/1.json", true],
    ["locks/organization/PROJECT/STACK/1.json", true],
    ["stacks/PROJECT/STACK2.json", false],
    ["stacks/PROJECT/STACK.eu.json", false],
    ["stacks/PROJECT2/STACK.json", false],
    ["backups/PROJECT/STACK2/STACK2.1.json", false],
    ["history/PROJECT/STACK2/STACK2-1.history.json", false],
    ["journal/PROJECT/STACK2/1.json", false],
    ["locks/organization/PROJECT/STACK2/1.json", false],
])("the roles of a stack read and write .pulumi/%s: %s", (path, expected) => {
    for (const [document, action] of [
        ["state-read", "s3:GetObject"],
        ["state-write", "s3:PutObject"],
        ["state-write", "s3:DeleteObject"],
    ] as const) {
        const resource = `arn:aws:s3:::BUCKET/.pulumi/${path}`;
        expect(evaluate([read(document)], { action, resource })).toBe(expected);
    }
});

test("the roles of a stack read what holds for all stacks, and cannot write it", () => {
    const resource = "arn:aws:s3:::BUCKET/.pulumi/meta.yaml";
    expect(evaluate([read("state-read")], { action: "s3:GetObject", resource })).toBe(true);
    expect(evaluate([read("state-write")], { action: "s3:PutObject", resource })).toBe(false);
});
