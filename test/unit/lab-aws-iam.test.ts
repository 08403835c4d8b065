import { beforeEach, describe, expect, it } from "vitest";
import type { Values } from "../../lab/providers/values.ts";
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
        [{ assumeRolePolicy: '{"Version":"2012","Statement":[]}' }, "assumeRolePolicy", /2012-10-17/],
        [{ assumeRolePolicy: policy() }, "assumeRolePolicy", /no Statement/],
        [{ assumeRolePolicy: policy({ ...statement, Effect: "allow" }) }, "assumeRolePolicy", /Allow or Deny/],
        [{ assumeRolePolicy: policy({ Effect: "Allow", Action: "sts:AssumeRole" }) }, "assumeRolePolicy", /Principal/],
        [
            { assumeRolePolicy: policy({ ...statement, Resource: "*" }) },
            "assumeRolePolicy",
            /prohibited field Resource/,
        ],
        [{ assumeRolePolicy: policy({ ...statement, Action: "ec2:*" }) }, "assumeRolePolicy", /STS/],
        [{ ...trust, name: "a b" }, "name", /64 characters/],
        [{ ...trust, path: "x" }, "path", /begin and end with/],
        [{ ...trust, maxSessionDuration: 60 }, "maxSessionDuration", /3600/],
        [{ ...trust, permissionsBoundary: "x" }, "permissionsBoundary", /no ARN/],
    ])("%j is wrong in %s", async (inputs, property, reason) => {
        const { failures } = await cloud.check("Role", inputs);
        expect(failures.map((failure) => [failure.property, failure.reason])).toEqual([
            [property, expect.stringMatching(reason)],
        ]);
    });

    it("gets a name of its own, and is found by its ARN", async () => {
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

    it("is replaced for another name or path only", async () => {
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

    it("is not deleted while a policy is attached, unless it says so", async () => {
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
        expect((await cloud.state()).owners).toEqual({});
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
        expect(failures[0]?.reason).toMatch(/no ARN/);
    });

    it("is replaced by any change", async () => {
        await cloud.make("Role", { ...trust, name: "r" });
        const made = await cloud.make("RolePolicyAttachment", { role: "r", policyArn });
        const change = { role: "s", policyArn: "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy" };
        expect((await cloud.diff(made, change)).replaces).toEqual(["role", "policyArn"]);
    });
});
