import type { CloudState, LifecyclePolicy, LifecycleSchedule } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { trusts } from "./iam.ts";
import { model } from "./models.ts";
import { ApiError, type ResourceType, arn, find, newId, text } from "./resource-type.ts";
import { ONE_VALUE, type Schema } from "./schema.ts";

/** The service that assumes the role of a policy. */
const SERVICE = "dlm.amazonaws.com";

const KINDS = "the lab's policies keep a number of snapshots of tagged volumes, at an interval";
const created = (member: string) => model("dlm", "CreateLifecyclePolicy", member);
const schedule = (member: string) => created(`PolicyDetails.Schedules.${member}`);

/** A schedule with an interval and a number of snapshots to keep. AWS also has cron expressions and ages. */
const SCHEDULE: Schema = {
    name: { kind: "string", required: true, model: schedule("Name") },
    createRule: {
        kind: {
            interval: {
                kind: "integer",
                inert: "`npm run lab -- snapshot` runs the schedule",
                needed: KINDS,
                model: schedule("CreateRule.Interval"),
                invalid: interval,
            },
            intervalUnit: {
                kind: "string",
                inert: "`npm run lab -- snapshot` runs the schedule",
                computed: true,
                model: schedule("CreateRule.IntervalUnit"),
            },
            times: {
                kind: "string",
                inert: "`npm run lab -- snapshot` runs the schedule",
                computed: true,
                model: schedule("CreateRule.Times.member"),
            },
        },
        required: true,
    },
    retainRule: {
        kind: { count: { kind: "integer", needed: KINDS, model: schedule("RetainRule.Count"), invalid: oneAtLeast } },
        required: true,
    },
    copyTags: { kind: "boolean", computed: true, forceNew: true },
    tagsToAdd: { kind: "tags", model: schedule("TagsToAdd") },
};

export const lifecyclePolicy: ResourceType = {
    label: "DLM Lifecycle Policy",
    inputs: {
        description: { kind: "string", required: true, model: created("Description") },
        executionRoleArn: { kind: "string", required: true, model: created("ExecutionRoleArn") },
        state: { kind: "string", default: "ENABLED", model: created("State") },
        policyDetails: {
            kind: {
                policyType: {
                    kind: "string",
                    inert: ONE_VALUE,
                    default: "EBS_SNAPSHOT_MANAGEMENT",
                    model: created("PolicyDetails.PolicyType"),
                    invalid: only("EBS_SNAPSHOT_MANAGEMENT"),
                },
                resourceTypes: {
                    kind: "strings",
                    inert: ONE_VALUE,
                    needed: KINDS,
                    model: created("PolicyDetails.ResourceTypes"),
                    invalid: ([type]: string[]) => only("VOLUME")(type!),
                },
                targetTags: { kind: "tags", needed: KINDS, model: created("PolicyDetails.TargetTags") },
                schedules: { kind: [SCHEDULE], needed: KINDS, model: created("PolicyDetails.Schedules") },
            },
            required: true,
        },
        tags: { kind: "tags", model: created("Tags") },
    },
    outputs: ["arn", "region"],
    create({ state }, inputs) {
        const id = newId("policy");
        state.lifecyclePolicies[id] = policyFrom(state, id, inputs);
        return id;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            find(state.lifecyclePolicies, id, "ResourceNotFoundException", "policy");
            state.lifecyclePolicies[id] = policyFrom(state, id, news);
        });
    },
    /** The policy's snapshots stay. */
    async remove(change, id) {
        await change(({ state }) => void delete state.lifecyclePolicies[id]);
    },
    describe(cloud, id) {
        const found = cloud.state.lifecyclePolicies[id];
        return (
            found && {
                arn: arn(cloud, "policy", id, "dlm"),
                description: found.description,
                executionRoleArn: found.executionRoleArn,
                state: found.state,
            }
        );
    },
};

function policyFrom(state: CloudState, id: string, inputs: Values): LifecyclePolicy {
    const executionRoleArn = text(inputs, "executionRoleArn");
    const role = Object.values(state.roles).find((item) => item.arn === executionRoleArn);
    if (!role || !trusts(role, SERVICE)) {
        throw new ApiError(
            "InvalidRequestException",
            `The execution role ${executionRoleArn} ${role ? `does not trust ${SERVICE}` : "does not exist"}.`,
        );
    }
    const details = inputs.policyDetails as Values;
    return {
        id,
        description: text(inputs, "description"),
        executionRoleArn,
        state: text(inputs, "state") as LifecyclePolicy["state"],
        targetTags: details.targetTags as Record<string, string>,
        schedules: (details.schedules as Values[]).map(scheduleFrom),
    };
}

function scheduleFrom(schedule: Values): LifecycleSchedule {
    return {
        name: text(schedule, "name"),
        retain: (schedule.retainRule as Values).count as number,
        copyTags: schedule.copyTags === true,
        tagsToAdd: (schedule.tagsToAdd as Record<string, string> | undefined) ?? {},
    };
}

/** Allows the one value that the lab supports. */
function only(known: string): (value: string) => string | undefined {
    return (value) => (value === known ? undefined : `the lab knows ${known} only, not ${value}`);
}

/** AWS also allows zero, for policies that keep snapshots by age. */
function oneAtLeast(value: number): string | undefined {
    return value >= 1 ? undefined : `expected count to be in the range (1 - 1000), got ${value}`;
}

function interval(value: number): string | undefined {
    const allowed = [1, 2, 3, 4, 6, 8, 12, 24];
    return allowed.includes(value) ? undefined : `${value} is none of ${allowed.join(", ")}`;
}
