import { ACCOUNT } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { model } from "./models.ts";
import { ApiError, type ResourceType, derivedId, generatedName, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, oneOf } from "./schema.ts";

export const topic: ResourceType = {
    label: "SNS Topic",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, invalid: topicName },
        region: { kind: "string", computed: true, forceNew: true },
        tags: { kind: "tags", model: model("sns", "CreateTopic", "Tags") },
    },
    outputs: ["arn", "owner"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create({ state, region: own }, inputs) {
        const region = optionalText(inputs, "region") ?? own;
        const name = text(inputs, "name");
        const arn = `arn:aws:sns:${region}:${ACCOUNT}:${name}`;
        // SNS returns an existing topic of the same name.
        state.topics[arn] = { arn, name, region };
        return arn;
    },
    /** Its subscriptions go with it. Alarms keep its ARN, and reach nobody. */
    async remove(change, id) {
        await change(({ state }) => {
            delete state.topics[id];
            for (const { arn, topic } of Object.values(state.subscriptions)) {
                if (topic === id) delete state.subscriptions[arn];
            }
        });
    },
    describe({ state }, id) {
        const found = state.topics[id];
        return found && { arn: id, name: found.name, region: found.region, owner: ACCOUNT };
    },
};

export const topicSubscription: ResourceType = {
    label: "SNS Topic Subscription",
    inputs: {
        topic: { kind: "string", required: true, forceNew: true, model: model("sns", "Subscribe", "TopicArn") },
        protocol: {
            kind: "string",
            required: true,
            forceNew: true,
            model: model("sns", "Subscribe", "Protocol"),
            inert: ONE_VALUE,
            invalid: oneOf("email"),
        },
        endpoint: { kind: "string", required: true, forceNew: true, model: model("sns", "Subscribe", "Endpoint") },
        region: { kind: "string", computed: true, forceNew: true },
    },
    outputs: ["arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated"],
    create({ state, region: own }, inputs) {
        const region = optionalText(inputs, "region") ?? own;
        const target = text(inputs, "topic");
        const endpoint = text(inputs, "endpoint");
        const found = state.topics[target];
        if (found?.region !== region) throw new ApiError("NotFound", "Topic does not exist");
        if (!endpoint.includes("@")) throw new ApiError("InvalidParameter", "Invalid parameter: Email address");
        const arn = `${target}:${derivedId("s", target, endpoint).slice(3)}`;
        state.subscriptions[arn] = { arn, topic: target, endpoint };
        return arn;
    },
    async remove(change, id) {
        await change(({ state }) => void delete state.subscriptions[id]);
    },
    describe({ state }, id) {
        const found = state.subscriptions[id];
        // Nobody in the lab reads mail.
        return (
            found && {
                ...{ arn: id, topic: found.topic, endpoint: found.endpoint, ownerId: ACCOUNT },
                ...{ region: id.split(":")[3]!, pendingConfirmation: true, confirmationWasAuthenticated: false },
            }
        );
    },
};

function topicName(value: string): string | undefined {
    return /^[A-Za-z0-9_-]{1,256}$/.test(value) ? undefined : `invalid topic name: ${value}`;
}
