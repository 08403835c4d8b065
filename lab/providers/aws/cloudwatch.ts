import { ACCOUNT, type CloudState } from "../../cloud/state.ts";
import type { Alarm } from "../../cloud/watch-state.ts";
import { ProviderError } from "../provider.ts";
import type { Values } from "../property-values.ts";
import { model } from "./models.ts";
import { ApiError, type Cloud, type ResourceType, find, generatedName, optionalText, text } from "./resource-type.ts";
import { oneOf } from "./schema.ts";

const put = (member: string) => model("cloudwatch", "PutMetricAlarm", member);

/** CloudWatch has no default for these, and the lab has no metric math. */
const MATH = "the lab has alarms of single metrics only";

/** Actions that an alarm can have besides topics: the recovery of a machine. */
const RECOVER = /^arn:aws:automate:([a-z0-9-]+):ec2:recover$/;

export const metricAlarm: ResourceType = {
    label: "CloudWatch Metric Alarm",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, model: put("AlarmName") },
        region: { kind: "string", computed: true, forceNew: true },
        alarmDescription: { kind: "string", inert: "for people", model: put("AlarmDescription") },
        namespace: { kind: "string", needed: MATH, model: put("Namespace") },
        metricName: { kind: "string", needed: MATH, model: put("MetricName") },
        dimensions: { kind: "tags", model: put("Dimensions") },
        statistic: { kind: "string", needed: MATH, model: put("Statistic"), invalid: oneOf("Minimum", "Maximum") },
        period: { kind: "integer", needed: MATH, model: put("Period"), invalid: period },
        evaluationPeriods: { kind: "integer", needed: MATH, model: put("EvaluationPeriods") },
        comparisonOperator: { kind: "string", needed: MATH, model: put("ComparisonOperator"), invalid: comparison },
        threshold: { kind: "integer", needed: MATH, model: put("Threshold") },
        treatMissingData: {
            kind: "string",
            default: "missing",
            model: put("TreatMissingData"),
            invalid: oneOf("missing", "ignore", "breaching", "notBreaching"),
        },
        alarmActions: { kind: "set", model: put("AlarmActions") },
        okActions: { kind: "set", model: put("OKActions") },
        tags: { kind: "tags", model: put("Tags") },
    },
    outputs: ["arn"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create(cloud, inputs) {
        const name = text(inputs, "name");
        // The provider asks first, because CloudWatch would overwrite it.
        if (cloud.state.alarms[name]) throw new ProviderError(`CloudWatch metric alarm "${name}" already exists`);
        cloud.state.alarms[name] = alarmFrom(cloud, name, inputs);
        return name;
    },
    async update(change, id, news) {
        await change((cloud) => {
            find(cloud.state.alarms, id, "ResourceNotFound", "alarm");
            cloud.state.alarms[id] = alarmFrom(cloud, id, news);
        });
    },
    async remove(change, id) {
        await change(({ state }) => void delete state.alarms[id]);
    },
    describe({ state }, id) {
        const found = state.alarms[id];
        return (
            found && {
                arn: `arn:aws:cloudwatch:${found.region}:${ACCOUNT}:alarm:${id}`,
                ...{ name: id, region: found.region, namespace: found.namespace, metricName: found.metricName },
                ...{ threshold: found.threshold, alarmActions: found.alarmActions, okActions: found.okActions },
            }
        );
    },
};

function alarmFrom({ state, region: own }: Cloud, name: string, inputs: Values): Alarm {
    const region = optionalText(inputs, "region") ?? own;
    const actions = (key: string) => (inputs[key] as string[] | undefined) ?? [];
    for (const action of [...actions("alarmActions"), ...actions("okActions")]) refuseAction(state, region, action);
    return {
        ...{ name, region, namespace: text(inputs, "namespace"), metricName: text(inputs, "metricName") },
        dimensions: (inputs.dimensions as Record<string, string> | undefined) ?? {},
        statistic: text(inputs, "statistic"),
        ...{ period: inputs.period as number, evaluationPeriods: inputs.evaluationPeriods as number },
        ...{ comparisonOperator: text(inputs, "comparisonOperator"), threshold: inputs.threshold as number },
        treatMissingData: text(inputs, "treatMissingData"),
        ...{ alarmActions: actions("alarmActions"), okActions: actions("okActions") },
    };
}

/** @throws ApiError as CloudWatch refuses an action of another region. It does not look whether a topic exists, the lab does. */
function refuseAction(state: CloudState, region: string, action: string): void {
    const [, , service, where = ""] = RECOVER.test(action)
        ? ["", "", "automate", RECOVER.exec(action)![1]]
        : action.split(":");
    if (where !== region) {
        throw new ApiError("ValidationError", `Invalid region ${where} specified. Only ${region} is supported.`);
    }
    if (service === "automate") return;
    if (service !== "sns" || !state.topics[action]) {
        throw new ProviderError(`the lab has no topic ${action}: an alarm would reach nobody`);
    }
}

function period(value: number): string | undefined {
    return [10, 20, 30].includes(value) || value % 60 === 0
        ? undefined
        : `${value} is neither 10, 20, 30 nor a multiple of 60`;
}

function comparison(value: string): string | undefined {
    return oneOf("GreaterThanOrEqualToThreshold", "LessThanThreshold")(value);
}
