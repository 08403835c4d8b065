import type { CloudState, LifecyclePolicy, LifecycleSchedule } from "../../cloud/state.ts";
import type { Value, Values } from "../values.ts";
import { trusts } from "./iam.ts";
import { between, oneOf } from "./instance.ts";
import { ApiError, type ResourceType, arn, find, newId, text } from "./resource-type.ts";
import type { Schema } from "./schema.ts";

/** The service that takes the role of a policy. */
const SERVICE = "dlm.amazonaws.com";
const MOST_SCHEDULES = 4;

/** A schedule by interval that keeps a number of snapshots; AWS has cron expressions and ages too. */
const SCHEDULE: Schema = {
    name: { kind: "string", required: true, invalid: atMost(120) },
    createRule: {
        kind: {
            interval: { kind: "integer", required: true, invalid: interval },
            intervalUnit: { kind: "string", computed: true, invalid: oneOf("HOURS") },
            times: { kind: "string", computed: true, invalid: timeOfDay },
        },
        required: true,
    },
    retainRule: {
        kind: { count: { kind: "integer", required: true, invalid: between(1, 1000) } },
        required: true,
    },
    copyTags: { kind: "boolean", computed: true, forceNew: true },
    tagsToAdd: { kind: "tags" },
};

export const lifecyclePolicy: ResourceType = {
    label: "DLM Lifecycle Policy",
    inputs: {
        description: { kind: "string", required: true, invalid: description },
        executionRoleArn: { kind: "string", required: true, invalid: roleArn },
        state: { kind: "string", default: "ENABLED", invalid: oneOf("ENABLED", "DISABLED") },
        policyDetails: {
            kind: {
                policyType: {
                    kind: "string",
                    default: "EBS_SNAPSHOT_MANAGEMENT",
                    invalid: oneOf("EBS_SNAPSHOT_MANAGEMENT"),
                },
                resourceTypes: { kind: "strings", required: true, invalid: resourceTypes },
                targetTags: { kind: "tags", required: true, invalid: targetTags },
                schedules: { kind: [SCHEDULE], required: true, invalid: schedules },
            },
            required: true,
        },
        tags: { kind: "tags" },
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
    /** Its snapshots stay. */
    async remove(change, id) {
        await change(({ state }) => lifecyclePolicy.erase(state, id));
    },
    erase: (state, id) => void delete state.lifecyclePolicies[id],
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

function description(value: string): string | undefined {
    return /^[0-9A-Za-z _-]{1,500}$/.test(value) ? undefined : "a description has 1 to 500 characters of 0-9A-Za-z _-";
}

function roleArn(value: string): string | undefined {
    return /^arn:aws:iam::\d{12}:role\/.+$/.test(value) ? undefined : `"${value}" is no ARN of an IAM role`;
}

function resourceTypes(value: string[]): string | undefined {
    return value.length === 1 && value[0] === "VOLUME" ? undefined : "the lab has one resource type, VOLUME";
}

function targetTags(value: Values): string | undefined {
    return Object.keys(value).length > 0 ? undefined : "at least one target tag is needed";
}

function schedules(value: Value[]): string | undefined {
    return value.length >= 1 && value.length <= MOST_SCHEDULES
        ? undefined
        : `${value.length} schedules: AWS wants 1 to ${MOST_SCHEDULES}`;
}

function interval(value: number): string | undefined {
    const allowed = [1, 2, 3, 4, 6, 8, 12, 24];
    return allowed.includes(value) ? undefined : `${value} is none of ${allowed.join(", ")}`;
}

function timeOfDay(value: string): string | undefined {
    return /^([01]\d|2[0-3]):[0-5]\d$/.test(value) ? undefined : `"${value}" is no time of day, as "03:00"`;
}

function atMost(most: number): (value: string) => string | undefined {
    return (value) => (value.length <= most ? undefined : `${value.length} characters: AWS allows ${most}`);
}
