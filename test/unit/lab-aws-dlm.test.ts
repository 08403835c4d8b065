import { beforeEach, describe, expect, it } from "vitest";
import { runLifecyclePolicies } from "../../lab/providers/aws/snapshot-scheduler.ts";
import { takeSnapshot } from "../../lab/providers/aws/snapshots.ts";
import { UNKNOWN, type Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const zone = { availabilityZone: "eu-central-1a" };

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

const snapshots = async () => Object.values((await cloud.state()).snapshots);

describe("a lifecycle policy", () => {
    const trust = (service: string) =>
        JSON.stringify({
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
        });
    const schedule = {
        name: "daily",
        createRule: { interval: 24, intervalUnit: "HOURS", times: "03:00" },
        retainRule: { count: 2 },
        copyTags: true,
        tagsToAdd: { by: "policy" },
    };
    const details = { resourceTypes: ["VOLUME"], targetTags: { stack: "dev" }, schedules: [schedule] };
    const policy = { description: "daily snapshots", executionRoleArn: "arn:aws:iam::000000000000:role/r" };

    async function makePolicy(more: Values = {}) {
        const role = await cloud.make("Role", { assumeRolePolicy: trust("dlm.amazonaws.com") });
        await cloud.make("RolePolicyAttachment", {
            role: role.id,
            policyArn: "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole",
        });
        const inputs = { ...policy, executionRoleArn: role.outputs.arn!, policyDetails: details, ...more };
        return { role, made: await cloud.make("LifecyclePolicy", inputs) };
    }

    it.each<[inputs: Values, property: string, reason: RegExp]>([
        [{ ...policy, description: "ä" }, "description", /0-9A-Za-z/],
        [{ ...policy, executionRoleArn: "r" }, "executionRoleArn", /^invalid value for execution_role_arn/],
        [{ ...policy, state: "ON" }, "state", /^expected state to be one of \["ENABLED" "DISABLED"\], got ON$/],
        [{ ...policy }, "policyDetails", /missing required/],
        [{ policyDetails: { ...details, resourceTypes: ["INSTANCE"] } }, "policyDetails.resourceTypes", /VOLUME/],
        [
            { policyDetails: { ...details, targetTags: {} } },
            "policyDetails.targetTags",
            /^Attribute policy_details\.0\.target_tags requires 1 item minimum/,
        ],
        [
            { policyDetails: { ...details, schedules: [] } },
            "policyDetails.schedules",
            /schedules requires 1 item minimum/,
        ],
        [{ policyDetails: { ...details, schedules: {} } }, "policyDetails.schedules", /expected a list of objects/],
        [{ policyDetails: { ...details, schedules: ["x"] } }, "policyDetails.schedules[0]", /expected an object/],
        ...(
            [
                [{ createRule: { interval: 5 } }, "createRule.interval", /none of 1, 2, 3, 4, 6, 8, 12, 24/],
                [{ createRule: { interval: 24, times: "3:00" } }, "createRule.times", /create_rule\.0\.times/],
                [{ createRule: { interval: 24, times: ["03:00"] } }, "createRule.times", /expected a string/],
                [{ retainRule: { count: 0 } }, "retainRule.count", /range \(1 - 1000\), got 0/],
                [{ retainRule: { cuont: 1 } }, "retainRule.cuont", /did you mean "count"/],
                [{ tagsToAdd: { "aws:x": "y" } }, "tagsToAdd", /reserved/],
            ] as [Values, string, RegExp][]
        ).map(([change, property, reason]): [Values, string, RegExp] => [
            { policyDetails: { ...details, schedules: [schedule, { ...schedule, ...change }] } },
            `policyDetails.schedules[1].${property}`,
            reason,
        ]),
    ])("%j is wrong in %s", async (inputs, property, reason) => {
        const { failures } = await cloud.check("LifecyclePolicy", inputs);
        const found = failures.filter((failure) => failure.property === property).map((failure) => failure.reason);
        expect(found.join()).toMatch(reason);
    });

    it("may have unknown values", async () => {
        const schedules = [{ ...schedule, name: UNKNOWN }, UNKNOWN];
        const inputs = { ...policy, policyDetails: { ...details, schedules } };
        expect((await cloud.check("LifecyclePolicy", inputs)).failures).toEqual([]);
        const whole = { ...policy, policyDetails: { ...details, schedules: UNKNOWN } };
        expect((await cloud.check("LifecyclePolicy", whole)).failures).toEqual([]);
    });

    it("needs a role that the service may assume", async () => {
        const inputs = { ...policy, policyDetails: details };
        await expect(cloud.make("LifecyclePolicy", inputs)).rejects.toThrow("role/r does not exist");
        const role = await cloud.make("Role", { assumeRolePolicy: trust("ec2.amazonaws.com") });
        const other = cloud.make("LifecyclePolicy", { ...inputs, executionRoleArn: role.outputs.arn! });
        await expect(other).rejects.toThrow("does not trust dlm.amazonaws.com");
    });

    it("changes in place, except for copyTags", async () => {
        const { made } = await makePolicy();
        const change = (more: Values) => ({
            ...made.inputs,
            policyDetails: { ...details, schedules: [{ ...schedule, ...more }] },
        });
        expect(await cloud.diff(made, change({}))).toEqual({ changed: [], replaces: [] });
        const fewer = change({ retainRule: { count: 1 } });
        expect(await cloud.diff(made, fewer)).toEqual({ changed: ["policyDetails"], replaces: [] });
        expect((await cloud.diff(made, change({ copyTags: false }))).replaces).toEqual(["policyDetails"]);
        await cloud.update(made, { ...fewer, state: "DISABLED" });
        expect((await cloud.state()).lifecyclePolicies[made.id]).toMatchObject({
            state: "DISABLED",
            schedules: [{ retain: 1 }],
        });
    });

    it("takes a snapshot of each volume with one of its tags, and keeps its own newest", async () => {
        const { made } = await makePolicy();
        const volume = await cloud.make("Volume", { ...zone, size: 5, tags: { stack: "dev" } });
        const other = await cloud.make("Volume", { ...zone, size: 5, tags: { stack: "prod" } });
        const manual = await cloud.store.change((state) => takeSnapshot(state, volume.id, "", { stack: "dev" }).id);
        const first = (await runLifecyclePolicies(cloud.store))!;
        expect(first).toMatchObject({ taken: [{ volumeId: volume.id }], removed: [] });
        const tags = (await cloud.state()).tags?.[first.taken[0]!.id];
        expect(tags).toEqual({
            team: "infra",
            stack: "dev",
            by: "policy",
            "aws:dlm:lifecycle-policy-id": made.id,
            "aws:dlm:lifecycle-schedule-name": "daily",
        });
        await runLifecyclePolicies(cloud.store);
        const third = (await runLifecyclePolicies(cloud.store))!;
        expect(third.removed).toEqual(first.taken);
        const left = await snapshots();
        expect(left.map(({ id }) => id)).toContain(manual);
        expect(left).toHaveLength(3);
        expect(left.some(({ volumeId }) => volumeId === other.id)).toBe(false);
        await cloud.delete(made);
        expect(await snapshots()).toHaveLength(3);
    });

    it("does nothing while it is disabled", async () => {
        await makePolicy({ state: "DISABLED" });
        await cloud.make("Volume", { ...zone, size: 5, tags: { stack: "dev" } });
        expect(await runLifecyclePolicies(cloud.store)).toBeUndefined();
        expect(await snapshots()).toEqual([]);
    });

    it("takes no snapshot if its role lacks the right", async () => {
        const { role } = await makePolicy();
        await cloud.make("Volume", { ...zone, size: 5, tags: { stack: "dev" } });
        await cloud.store.change((state) => (state.roles[role.id]!.policies = []));
        await expect(runLifecyclePolicies(cloud.store)).rejects.toThrow(`its role ${role.id} lacks`);
        expect(await snapshots()).toEqual([]);
    });
});
