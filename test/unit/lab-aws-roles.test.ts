import { beforeEach, describe, expect, it } from "vitest";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

const document = (statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
const assumeRolePolicy = document({
    Effect: "Allow",
    Principal: { Service: "ec2.amazonaws.com" },
    Action: "sts:AssumeRole",
});
const list = { Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" };

let cloud: TestCloud;
let role: Made;
beforeEach(async () => {
    cloud = TestCloud.create();
    role = await cloud.make("Role", { name: "r", assumeRolePolicy });
});

describe("an inline policy", () => {
    it("belongs to an existing role, and has only elements that the lab knows", async () => {
        await expect(cloud.make("RolePolicy", { role: "s", policy: document(list) })).rejects.toThrow(
            "creating IAM Role Policy: api error NoSuchEntity: The role with name s cannot be found.",
        );
        const check = async (inputs: object) =>
            (await cloud.check("RolePolicy", { role: "r", ...inputs })).failures.map(({ property }) => property);
        expect(await check({})).toEqual(["policy"]);
        expect(await check({ policy: document({ ...list, Action: "s3:GetObject" }) })).toEqual(["policy"]);
        expect(await check({ policy: document(list), name: "a:b" })).toEqual(["name"]);
        expect(await check({ policy: document(list), path: "/" })).toEqual(["path"]);
    });

    it.each<[policy: string, reason: string]>([
        [JSON.stringify({ Version: "2012-10-17", Statement: [] }), "Syntax errors in policy."],
        [document({ ...list, Effect: "allow" }), "Syntax errors in policy."],
        [document({ ...list, Principal: "*" }), "Policy document should not specify a principal."],
        [document({ ...list, Actions: list.Action }), "Unknown field Actions"],
        [document({ ...list, Action: undefined }), "Policy statement must contain actions."],
        [document({ ...list, Resource: undefined }), "Policy statement must contain resources."],
        [document({ ...list, Sid: "a b" }), "Statement IDs (SID) must be alpha-numeric."],
        [document({ ...list, Condition: { StringEqual: { a: "b" } } }), "Invalid Condition type : StringEqual."],
    ])("`up` refuses %s, which is malformed to IAM", async (policy, reason) => {
        const made = cloud.make("RolePolicy", { role: "r", name: "p", policy });
        await expect(made).rejects.toThrow("creating IAM Role Policy: api error MalformedPolicyDocument: ");
        await expect(made).rejects.toThrow(reason);
        expect((await cloud.state()).roles.r?.inlinePolicies ?? {}).toEqual({});
    });

    it("has at most 10,240 characters together with the role's others", async () => {
        const sized = (length: number) => {
            const plain = document({ ...list, Sid: "" });
            return document({ ...list, Sid: "x".repeat(length - plain.length) });
        };
        const first = await cloud.make("RolePolicy", { role: "r", name: "a", policy: sized(6000) });
        await cloud.make("RolePolicy", { role: "r", name: "b", policy: sized(4240) });
        const refusal = "api error LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r";
        await expect(cloud.update(first, { ...first.inputs, policy: sized(6001) })).rejects.toThrow(refusal);
        await expect(cloud.make("RolePolicy", { role: "r", policy: document(list) })).rejects.toThrow(refusal);
        await cloud.delete(first);
        await cloud.make("RolePolicy", { role: "r", policy: document(list) });
    });

    it("changes in place, and is replaced for another name or role", async () => {
        const made = await cloud.make("RolePolicy", { role: "r", name: "p", policy: document(list) });
        expect(made.id).toBe("r:p");
        const policy = document({ ...list, Effect: "Deny" });
        expect(await cloud.diff(made, { ...made.inputs, policy })).toEqual({ changed: ["policy"], replaces: [] });
        expect((await cloud.diff(made, { ...made.inputs, name: "q" })).replaces).toEqual(["name"]);
        expect((await cloud.diff(made, { ...made.inputs, role: "s" })).replaces).toEqual(["role"]);
        const respelt = JSON.stringify(JSON.parse(document(list)), null, 2);
        expect((await cloud.diff(made, { ...made.inputs, policy: respelt })).changed).toEqual([]);
        await cloud.update(made, { ...made.inputs, policy });
        expect((await cloud.state()).roles.r?.inlinePolicies).toEqual({ p: policy });
    });

    it("prevents the deletion of its role", async () => {
        const made = await cloud.make("RolePolicy", { role: "r", policy: document(list) });
        await expect(cloud.delete(role)).rejects.toThrow("Cannot delete entity, must delete policies first.");
        await cloud.delete(made);
        await cloud.delete(role);
    });
});

describe("an instance profile", () => {
    it("has an existing role, and a name other than the role's", async () => {
        await expect(cloud.make("InstanceProfile", { role: "s" })).rejects.toThrow("role with name s cannot be found");
        await expect(cloud.make("InstanceProfile", { name: "r" })).rejects.toThrow("needs different names");
        const made = await cloud.make("InstanceProfile", { name: "p", role: "r" });
        expect(made.outputs.arn).toBe("arn:aws:iam::000000000000:instance-profile/p");
        await expect(cloud.make("InstanceProfile", { name: "p" })).rejects.toThrow("api error EntityAlreadyExists");
        await expect(cloud.make("Role", { name: "p", assumeRolePolicy })).rejects.toThrow("needs different names");
    });

    it("changes its role in place, and is replaced for another name or path", async () => {
        const made = await cloud.make("InstanceProfile", { name: "p", role: "r" });
        await cloud.make("Role", { name: "s", assumeRolePolicy });
        const other = { ...made.inputs, role: "s" };
        expect(await cloud.diff(made, other)).toEqual({ changed: ["role"], replaces: [] });
        expect((await cloud.diff(made, { ...made.inputs, path: "/x/" })).replaces).toEqual(["path"]);
        await cloud.update(made, other);
        expect((await cloud.state()).instanceProfiles.p?.role).toBe("s");
        await cloud.delete(role);
    });

    it("prevents the deletion of its role", async () => {
        const made = await cloud.make("InstanceProfile", { role: "r" });
        await expect(cloud.delete(role)).rejects.toThrow(
            "api error DeleteConflict: Cannot delete entity, must remove roles from instance profile first.",
        );
        await cloud.delete(made);
        await cloud.delete(role);
    });
});

describe("a machine's instance profile", () => {
    it("exists and has a role", async () => {
        const { card } = await cloud.network();
        await cloud.make("InstanceProfile", { name: "empty" });
        await expect(cloud.instance(card, { iamInstanceProfile: "p" })).rejects.toThrow(
            "api error InvalidParameterValue: Value (p) for parameter iamInstanceProfile.name is invalid. " +
                "Invalid IAM Instance Profile name",
        );
        await expect(cloud.instance(card, { iamInstanceProfile: "empty" })).rejects.toThrow(
            'IAM Instance Profile "arn:aws:iam::000000000000:instance-profile/empty" has no associated IAM Roles',
        );
    });

    it("changes in place, while the machine runs", async () => {
        const { card } = await cloud.network();
        const profile = await cloud.make("InstanceProfile", { name: "p", role: "r" });
        const machine = await cloud.instance(card);
        const inputs = { ...machine.inputs, iamInstanceProfile: "p" };
        expect(await cloud.diff(machine, inputs)).toEqual({ changed: ["iamInstanceProfile"], replaces: [] });
        const changed = await cloud.update(machine, inputs);
        expect((await cloud.state()).instances[machine.id]?.iamInstanceProfile).toBe("p");
        await expect(cloud.update(machine, { ...inputs, iamInstanceProfile: "q" })).rejects.toThrow("Invalid IAM");
        await cloud.delete(profile);
        // As on AWS, a profile that is removed or deleted stays with the machine.
        expect(await cloud.diff(changed, machine.inputs)).toEqual({ changed: [], replaces: [] });
        await cloud.update(changed, { ...machine.inputs, tags: { a: "b" } });
        expect((await cloud.state()).instances[machine.id]?.iamInstanceProfile).toBe("p");
    });
});

describe("CPU credits", () => {
    const credits = (cpuCredits: string) => ({ creditSpecification: { cpuCredits } });

    it("default to AWS's choice, change in place, and stay when the setting is removed", async () => {
        const { card } = await cloud.network();
        const machine = await cloud.instance(card);
        expect(machine.outputs).toMatchObject(credits("unlimited"));
        expect((await cloud.diff(machine, { ...machine.inputs, ...credits("unlimited") })).changed).toEqual([]);
        const standard = { ...machine.inputs, ...credits("standard") };
        expect(await cloud.diff(machine, standard)).toEqual({ changed: ["creditSpecification"], replaces: [] });
        const changed = await cloud.update(machine, standard);
        expect((await cloud.diff(changed, machine.inputs)).changed).toEqual([]);
        const tagged = await cloud.update(changed, { ...machine.inputs, tags: { a: "b" } });
        expect(tagged.outputs).toMatchObject(credits("standard"));
    });
});

it("a value that AWS chooses, or that the provider keeps after its removal, is no change", async () => {
    const { card, subnet } = await cloud.network();
    const machine = await cloud.instance(card, { userData: "#cloud-config" });
    const gone = { ...machine.inputs };
    delete gone.userData;
    expect((await cloud.diff(machine, gone)).changed).toEqual([]);
    const without = { ...subnet.inputs };
    delete without.ipv6CidrBlock;
    expect((await cloud.diff(subnet, without)).changed).toEqual([]);
});
