import { beforeEach, describe, expect, it } from "vitest";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const statement = { Effect: "Allow", Principal: { Service: "dlm.amazonaws.com" }, Action: "sts:AssumeRole" };
const policy = (...statements: Values[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const trust = { assumeRolePolicy: policy(statement) };
const policyArn = "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

describe("a role", () => {
    it.each<[inputs: Values, property: string, reason: RegExp]>([
        [{}, "assumeRolePolicy", /missing required/],
        [{ assumeRolePolicy: "{" }, "assumeRolePolicy", /invalid JSON/],
        [{ assumeRolePolicy: "[]" }, "assumeRolePolicy", /invalid JSON/],
        [{ ...trust, name: "a b" }, "name", /^invalid value for name \(must match \[\\w\+=,\.@-\]\+\): a b$/],
        [{ ...trust, name: "x".repeat(65) }, "name", /^expected length of name to be in the range \(1 - 64\)/],
        [{ ...trust, tags: { a: "(b)" } }, "tags", /^invalid value for tags\.0\.a \(must match/],
        [{ ...trust, path: "x" }, "path", /^invalid value for path/],
        [{ ...trust, maxSessionDuration: 60 }, "maxSessionDuration", /3600/],
        [
            { ...trust, permissionsBoundary: policyArn },
            "permissionsBoundary",
            /does not evaluate permissions boundaries/,
        ],
    ])("%j is wrong in %s", async (inputs, property, reason) => {
        const { failures } = await cloud.check("Role", inputs);
        expect(failures.map((failure) => [failure.property, failure.reason])).toEqual([
            [property, expect.stringMatching(reason)],
        ]);
    });

    const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
    it.each<[assumeRolePolicy: string, reason: string]>([
        [policy(), "Syntax errors in policy."],
        ['{"Version":"2012","Statement":[]}', "Syntax errors in policy."],
        [policy({ ...statement, Effect: "allow" }), "Syntax errors in policy."],
        [policy({ ...statement, Principal: "nonsense" }), "Syntax errors in policy."],
        [policy({ ...statement, Principal: undefined! }), "a statement with no principals!"],
        [policy({ ...statement, Principal: { Service: "nonsense" } }), '"SERVICE":"nonsense"'],
        [
            policy({ ...statement, Principal: { Service: ["ec2.amazonaws.com", "ec.amazonaws.com"] } }),
            '"SERVICE":"ec.a',
        ],
        [policy({ ...statement, Principal: { AWS: "nonsense" } }), 'Invalid principal in policy: "AWS":"nonsense"'],
        [policy({ ...statement, Principal: { AWS: role("gone") } }), `"AWS":"${role("gone")}"`],
        [policy({ ...statement, Principal: { Services: "ec2.amazonaws.com" } }), '"SERVICES":"ec2.amazonaws.com"'],
        [policy({ ...statement, Principals: "*" }), "Unknown field Principals"],
        [JSON.stringify({ version: "2012-10-17", Statement: [statement] }), "Unknown field version"],
        [policy({ ...statement, Resource: "*" }), "Has prohibited field Resource"],
        [policy({ ...statement, Action: "ec2:*" }), "AssumeRole policy may only specify STS AssumeRole actions."],
        [policy({ ...statement, Condition: { StringsEquals: { a: "b" } } }), "Invalid Condition type : StringsEquals."],
    ])("%s is malformed to IAM", async (assumeRolePolicy, reason) => {
        const made = cloud.make("Role", { name: "r", assumeRolePolicy });
        await expect(made).rejects.toThrow(/creating IAM Role: api error MalformedPolicyDocument: /);
        await expect(made).rejects.toThrow(reason);
        const present = await cloud.make("Role", { ...trust, name: "r" });
        await expect(cloud.update(present, { ...present.inputs, assumeRolePolicy })).rejects.toThrow(reason);
    });

    it("may trust another role that exists", async () => {
        await cloud.make("Role", { ...trust, name: "other" });
        const assumeRolePolicy = policy({ ...statement, Principal: { AWS: role("other") } });
        await cloud.make("Role", { name: "r", assumeRolePolicy });
    });

    it("has a trust policy of 2,048 characters at most, without white space", async () => {
        const sized = (length: number) => {
            const [short, long] = [
                { ...statement, Sid: "" },
                { ...statement, Sid: "x".repeat(length) },
            ];
            return policy({ ...long, Sid: long.Sid.slice(policy(short).length) });
        };
        const spaced = JSON.stringify(JSON.parse(sized(2048)), undefined, 8);
        expect(spaced.length).toBeGreaterThan(2048);
        const made = await cloud.make("Role", { name: "r", assumeRolePolicy: spaced });
        const longer = { name: "r", assumeRolePolicy: sized(2049) };
        const refusal = "api error LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048";
        await expect(cloud.update(made, longer)).rejects.toThrow(refusal);
        await expect(cloud.make("Role", { ...longer, name: "s" })).rejects.toThrow(refusal);
    });

    it("gets a generated name, and is found by its ARN", async () => {
        const role = await cloud.make("Role", { ...trust, path: "/service-role/" }, "backup");
        expect(role.inputs.name).toBe("x-0102030");
        expect(role.id).toBe("x-0102030");
        expect(role.outputs).toMatchObject({
            arn: "arn:aws:iam::000000000000:role/service-role/x-0102030",
            uniqueId: expect.stringMatching(/^AROA/) as string,
            tagsAll: { team: "infra" },
        });
        await expect(cloud.make("Role", { ...trust, name: "x-0102030" })).rejects.toThrow(
            "creating IAM Role: api error EntityAlreadyExists: Role with name x-0102030 already exists.",
        );
    });

    it("is replaced only for another name or path", async () => {
        const role = await cloud.make("Role", { ...trust, name: "r" });
        const change = async (more: Values) => cloud.diff(role, { ...role.inputs, ...more });
        expect((await change({ name: "s" })).replaces).toEqual(["name"]);
        expect((await change({ path: "/x/" })).replaces).toEqual(["path"]);
        const other = { assumeRolePolicy: policy({ ...statement, Principal: { Service: "ec2.amazonaws.com" } }) };
        expect(await change(other)).toEqual({ changed: ["assumeRolePolicy"], replaces: [] });
        expect(await change({ description: "d", maxSessionDuration: 7200 })).toMatchObject({ replaces: [] });
        const respelt = JSON.stringify(
            JSON.parse(policy(statement)),
            ["Statement", "Version", "Action", "Principal", "Service", "Effect"],
            2,
        );
        expect(await change({ assumeRolePolicy: respelt })).toEqual({ changed: [], replaces: [] });
        await cloud.update(role, { ...role.inputs, ...other });
        expect((await cloud.state()).roles.r?.trust).toBe(other.assumeRolePolicy);
    });

    it("is not deleted while a policy is attached, unless forceDetachPolicies is set", async () => {
        const role = await cloud.make("Role", { ...trust, name: "r" });
        const attachment = await cloud.make("RolePolicyAttachment", { role: "r", policyArn });
        await expect(cloud.delete(role)).rejects.toThrow(
            "deleting IAM Role (r): api error DeleteConflict: Cannot delete entity, must detach all policies first.",
        );
        await cloud.delete(attachment);
        await cloud.delete(role);
        const forced = await cloud.make("Role", { ...trust, name: "r", forceDetachPolicies: true });
        const left = await cloud.make("RolePolicyAttachment", { role: "r", policyArn });
        await cloud.delete(forced);
        expect(await cloud.read(left)).toBeUndefined();
    });
});

describe("a policy's attachment", () => {
    it("needs a role and a policy that exist", async () => {
        await expect(cloud.make("RolePolicyAttachment", { role: "r", policyArn })).rejects.toThrow(
            "api error NoSuchEntity: The role with name r cannot be found.",
        );
        await cloud.make("Role", { ...trust, name: "r" });
        const unknown = { role: "r", policyArn: "arn:aws:iam::aws:policy/Nothing" };
        await expect(cloud.make("RolePolicyAttachment", unknown)).rejects.toThrow(
            "does not exist or is not attachable",
        );
        const { failures } = await cloud.check("RolePolicyAttachment", { role: "r", policyArn: "Nothing" });
        expect(failures[0]?.reason).toMatch(/^expected length of policy_arn/);
    });

    it("is replaced by any change", async () => {
        await cloud.make("Role", { ...trust, name: "r" });
        const made = await cloud.make("RolePolicyAttachment", { role: "r", policyArn });
        const change = { role: "s", policyArn: "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy" };
        expect((await cloud.diff(made, change)).replaces).toEqual(["role", "policyArn"]);
    });
});
