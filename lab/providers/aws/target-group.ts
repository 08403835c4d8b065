import type { TargetGroup, TargetHealthCheck } from "../../cloud/balancer-state.ts";
import type { CloudState } from "../../cloud/state.ts";
import type { CheckFailure } from "../provider.ts";
import { type Values, isMap, isUnknown } from "../property-values.ts";
import { arnSuffix, balancerName, generatedBalancerName, newBalancerArn } from "./balancer-names.ts";
import { model } from "./models.ts";
import { findVpc } from "./network.ts";
import { ApiError, type ResourceType, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, type Schema, between, oneOf } from "./schema.ts";

const INSTANCES = "the lab's target groups have instances as targets";
const input = (member: string) => model("elbv2", "CreateTargetGroup", member);

const HEALTH_CHECK: Schema = {
    enabled: { kind: "boolean", default: true, inert: ONE_VALUE, invalid: enabled },
    protocol: { kind: "string", default: "HTTP", invalid: oneOf("HTTP", "HTTPS", "TCP") },
    port: { kind: "string", default: "traffic-port", invalid: healthPort },
    path: { kind: "string", computed: true, model: input("HealthCheckPath"), invalid: healthPath },
    matcher: { kind: "string", computed: true, invalid: matcher },
    interval: { kind: "integer", default: 30, model: input("HealthCheckIntervalSeconds") },
    timeout: { kind: "integer", computed: true, model: input("HealthCheckTimeoutSeconds") },
    healthyThreshold: { kind: "integer", default: 3, model: input("HealthyThresholdCount") },
    unhealthyThreshold: { kind: "integer", default: 3, model: input("UnhealthyThresholdCount") },
};

/** A group of machines behind a Network Load Balancer. */
export const targetGroup: ResourceType = {
    label: "ELBv2 Target Group",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, invalid: balancerName },
        targetType: {
            kind: "string",
            default: "instance",
            forceNew: true,
            inert: ONE_VALUE,
            model: input("TargetType"),
            invalid: oneOf("instance"),
        },
        vpcId: { kind: "string", needed: INSTANCES, forceNew: true },
        protocol: {
            kind: "string",
            needed: INSTANCES,
            forceNew: true,
            model: input("Protocol"),
            invalid: oneOf("TCP", "TLS"),
        },
        port: { kind: "integer", needed: INSTANCES, forceNew: true, model: input("Port") },
        // For instances AWS keeps the client's address by default. HAProxy cannot.
        preserveClientIp: {
            kind: "string",
            needed: "the lab's load balancers do not send from the client's address",
            inert: ONE_VALUE,
            invalid: oneOf("false"),
        },
        proxyProtocolV2: { kind: "boolean", default: false },
        deregistrationDelay: { kind: "integer", default: 300, invalid: between(0, 3600) },
        connectionTermination: { kind: "boolean", computed: true },
        targetHealthStates: {
            kind: [{ enableUnhealthyConnectionTermination: { kind: "boolean", required: true } }],
            computed: true,
        },
        healthCheck: { kind: HEALTH_CHECK, computed: true },
        tags: { kind: "tags" },
    },
    outputs: ["arn", "arnSuffix", "ipAddressType", "loadBalancerArns", "region"],
    check: checkHealth,
    defaults: generatedBalancerName,
    create(cloud, inputs) {
        const { state } = cloud;
        const name = text(inputs, "name");
        if (Object.values(state.targetGroups).some((other) => other.name === name)) {
            throw new ApiError("DuplicateTargetGroupName", `A target group with the name '${name}' already exists.`);
        }
        const arn = newBalancerArn(cloud, `targetgroup/${name}`);
        state.targetGroups[arn] = {
            ...{ arn, name, vpcId: findVpc(state, text(inputs, "vpcId")).id },
            protocol: text(inputs, "protocol") as TargetGroup["protocol"],
            port: inputs.port as number,
            targets: [],
            ...attributes(inputs),
        };
        return arn;
    },
    async update(change, id, news) {
        await change(({ state }) => void Object.assign(findTargetGroup(state, id), attributes(news)));
    },
    async remove(change, id) {
        await change(({ state }) => {
            if (Object.values(state.listeners).some(({ targetGroupArn }) => targetGroupArn === id)) {
                throw new ApiError("ResourceInUse", `Target group '${id}' is currently in use by a listener or a rule`);
            }
            delete state.targetGroups[id];
        });
    },
    describe({ state }, id) {
        const found = state.targetGroups[id];
        const listeners = Object.values(state.listeners).filter(({ targetGroupArn }) => targetGroupArn === id);
        return (
            found && {
                ...{ arn: id, arnSuffix: arnSuffix(id), name: found.name, vpcId: found.vpcId },
                ...{ targetType: "instance", protocol: found.protocol, port: found.port, ipAddressType: "ipv4" },
                loadBalancerArns: [...new Set(listeners.map(({ loadBalancerArn }) => loadBalancerArn))],
                proxyProtocolV2: found.sendsProxyHeader,
                deregistrationDelay: found.deregistrationDelay,
            }
        );
    },
};

export function findTargetGroup(state: CloudState, arn: string): TargetGroup {
    const found = state.targetGroups[arn];
    if (!found) throw new ApiError("TargetGroupNotFound", `Target groups '${arn}' not found`);
    return found;
}

function attributes(inputs: Values) {
    const [states] = (inputs.targetHealthStates as Values[] | undefined) ?? [];
    return {
        sendsProxyHeader: inputs.proxyProtocolV2 === true,
        deregistrationDelay: inputs.deregistrationDelay as number,
        endsDeregistered: inputs.connectionTermination === true,
        // AWS ends the sessions of an unhealthy target by default.
        endsUnhealthy: states?.enableUnhealthyConnectionTermination !== false,
        healthCheck: healthOf(inputs),
    };
}

/** AWS's defaults for a Network Load Balancer. Without a block it checks TCP, with one the provider's default is HTTP. */
function healthOf({ healthCheck }: Values): TargetHealthCheck {
    const given: Values = isMap(healthCheck) ? healthCheck : { protocol: "TCP" };
    const protocol = (given.protocol ?? "HTTP") as TargetHealthCheck["protocol"];
    const port = optionalText(given, "port") ?? "traffic-port";
    const check: TargetHealthCheck = {
        protocol,
        interval: (given.interval as number | undefined) ?? 30,
        timeout: (given.timeout as number | undefined) ?? (protocol === "HTTP" ? 6 : 10),
        healthyThreshold: (given.healthyThreshold as number | undefined) ?? 3,
        unhealthyThreshold: (given.unhealthyThreshold as number | undefined) ?? 3,
    };
    if (port !== "traffic-port") check.port = Number(port);
    if (protocol !== "TCP") {
        check.path = optionalText(given, "path") ?? "/";
        check.matcher = optionalText(given, "matcher") ?? "200-399";
    }
    if (check.timeout > check.interval) {
        throw new ApiError(
            "ValidationError",
            `Health check timeout '${check.timeout}' must be smaller than or equal to the interval '${check.interval}'`,
        );
    }
    return check;
}

function checkHealth({ healthCheck }: Values): CheckFailure[] {
    if (!isMap(healthCheck) || isUnknown(healthCheck.protocol) || healthCheck.protocol !== "TCP") return [];
    const wrong = ["path", "matcher"].filter((name) => healthCheck[name] !== undefined);
    return wrong.map((name) => ({
        property: `healthCheck.${name}`,
        reason: `Attribute "health_check[0].${name}" cannot be specified when "health_check[0].protocol" is "TCP".`,
    }));
}

function enabled(value: boolean): string | undefined {
    return value ? undefined : "Health check enabled must be true for target groups with target type 'instance'";
}

function healthPort(value: string): string | undefined {
    const isPort = /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 65536;
    return isPort || value === "traffic-port"
        ? undefined
        : `"health_check.0.port" must be a valid port number (1-65536) or "traffic-port": ${value}`;
}

function healthPath(value: string): string | undefined {
    return value.startsWith("/") ? undefined : `"health_check.0.path" doesn't start with "/": ${value}`;
}

function matcher(value: string): string | undefined {
    const codes = value.split(/[,-]/).map(Number);
    const isList = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(value);
    return isList && codes.every((code) => code >= 200 && code <= 599)
        ? undefined
        : `Health check matcher HTTP code '${value}' must be within '200-599' inclusive`;
}
