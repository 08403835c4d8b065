import { isDeepStrictEqual } from "node:util";
import type { Listener } from "../../cloud/balancer-state.ts";
import type { CloudState } from "../../cloud/state.ts";
import type { CheckFailure } from "../provider.ts";
import { type Values, hasUnknown, isMap } from "../property-values.ts";
import { newListenerArn } from "./balancer-names.ts";
import { fitsListener } from "./key-algorithms.ts";
import { findLoadBalancer } from "./load-balancer.ts";
import { model } from "./models.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, between, oneOf } from "./schema.ts";
import { findTargetGroup } from "./target-group.ts";
import { DEFAULT_POLICY, isTlsPolicy } from "./tls-policies.ts";

const NETWORK = "listeners of a network load balancer have it";
/** Of TCP by default, and of TLS always. */
const IDLE_SECONDS = 350;
const input = (member: string) => model("elbv2", "CreateListener", member);

/** A port of a Network Load Balancer: TCP, or TLS that ends there. */
export const listener: ResourceType = {
    label: "ELBv2 Listener",
    inputs: {
        loadBalancerArn: { kind: "string", required: true, forceNew: true, model: input("LoadBalancerArn") },
        port: { kind: "integer", needed: NETWORK, model: input("Port") },
        protocol: { kind: "string", needed: NETWORK, model: input("Protocol"), invalid: oneOf("TCP", "TLS") },
        certificateArn: { kind: "string" },
        sslPolicy: { kind: "string", computed: true },
        alpnPolicy: {
            kind: "string",
            invalid: oneOf("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"),
        },
        tcpIdleTimeoutSeconds: { kind: "integer", computed: true, invalid: between(60, 6000) },
        defaultActions: {
            kind: [
                {
                    type: {
                        kind: "string",
                        required: true,
                        inert: ONE_VALUE,
                        model: input("DefaultActions.Type"),
                        invalid: oneOf("forward"),
                    },
                    targetGroupArn: { kind: "string", needed: "the lab's listeners forward to one target group" },
                },
            ],
            required: true,
            invalid: oneAction,
        },
        tags: { kind: "tags" },
    },
    outputs: ["arn", "region"],
    check: checkListener,
    create({ state }, inputs) {
        const { arn: loadBalancerArn } = findLoadBalancer(state, text(inputs, "loadBalancerArn"));
        const others = Object.values(state.listeners).filter((other) => other.loadBalancerArn === loadBalancerArn);
        // With the same settings AWS answers with the listener that is there.
        const there = others.find(({ port }) => port === inputs.port);
        if (there && isDeepStrictEqual(fromInputs(state, there.arn, inputs), there)) return there.arn;
        refuseBeyond("listeners", 1 + others.length);
        const made = fromInputs(state, newListenerArn(loadBalancerArn), inputs);
        state.listeners[made.arn] = made;
        return made.arn;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            if (!state.listeners[id]) throw new ApiError("ListenerNotFound", `Listener '${id}' not found`);
            state.listeners[id] = fromInputs(state, id, news);
        });
    },
    async remove(change, id) {
        await change(({ state }) => void delete state.listeners[id]);
    },
    describe({ state }, id) {
        const found = state.listeners[id];
        return (
            found && {
                ...{ arn: id, loadBalancerArn: found.loadBalancerArn, port: found.port, protocol: found.protocol },
                ...(found.certificateArn !== undefined && { certificateArn: found.certificateArn }),
                sslPolicy: found.sslPolicy ?? "",
                ...(found.alpnPolicy !== undefined && { alpnPolicy: found.alpnPolicy }),
                ...(found.protocol === "TCP" && { tcpIdleTimeoutSeconds: found.idleSeconds }),
            }
        );
    },
};

function fromInputs(state: CloudState, arn: string, inputs: Values): Listener {
    const loadBalancerArn = text(inputs, "loadBalancerArn");
    const protocol = text(inputs, "protocol") as Listener["protocol"];
    const port = inputs.port as number;
    const [action] = inputs.defaultActions as Values[];
    const group = findTargetGroup(state, text(action!, "targetGroupArn"));
    const others = Object.values(state.listeners).filter((other) => other.arn !== arn);
    if (others.some((other) => other.loadBalancerArn === loadBalancerArn && other.port === port)) {
        throw new ApiError(
            "DuplicateListener",
            `A listener already exists on this port for this load balancer '${loadBalancerArn}'`,
        );
    }
    if (others.some((other) => other.targetGroupArn === group.arn && other.loadBalancerArn !== loadBalancerArn)) {
        throw new ApiError(
            "TargetGroupAssociationLimit",
            `The following target groups cannot be associated with more than one load balancer: ${group.arn}`,
        );
    }
    if (findLoadBalancer(state, loadBalancerArn).vpcId !== group.vpcId) {
        throw new ApiError(
            "InvalidConfigurationRequest",
            `The following target groups '${group.arn}' are in a different VPC than load balancer '${loadBalancerArn}'`,
        );
    }
    if (protocol === "TCP" && group.protocol !== "TCP") {
        throw new ApiError(
            "InvalidConfigurationRequest",
            `Listener protocol 'TCP' is not supported with a target group with the protocol '${group.protocol}'`,
        );
    }
    const made: Listener = {
        ...{ arn, loadBalancerArn, targetGroupArn: group.arn, protocol, port },
        idleSeconds: (inputs.tcpIdleTimeoutSeconds as number | undefined) ?? IDLE_SECONDS,
    };
    return protocol === "TLS" ? { ...made, ...tlsFrom(state, inputs) } : made;
}

function tlsFrom(state: CloudState, inputs: Values): Partial<Listener> {
    const certificateArn = optionalText(inputs, "certificateArn");
    if (certificateArn === undefined) {
        throw new ApiError("ValidationError", "A certificate must be specified for TLS listeners");
    }
    const certificate = state.certificates[certificateArn];
    if (!certificate) throw new ApiError("CertificateNotFound", `Certificate '${certificateArn}' not found`);
    // What AWS says of a certificate that is not issued yet, or whose key is too long.
    if (!certificate.issuedAt || !fitsListener(certificate.keyAlgorithm)) {
        throw new ApiError(
            "UnsupportedCertificate",
            `The certificate '${certificateArn}' must have a fully-qualified domain name, a supported signature, and a supported key size.`,
        );
    }
    const sslPolicy = optionalText(inputs, "sslPolicy") ?? DEFAULT_POLICY;
    if (!isTlsPolicy(sslPolicy)) throw new ApiError("SSLPolicyNotFound", `SSL policy '${sslPolicy}' not found`);
    const alpnPolicy = optionalText(inputs, "alpnPolicy");
    return { certificateArn, sslPolicy, ...(alpnPolicy !== undefined && { alpnPolicy }) };
}

function checkListener(inputs: Values): CheckFailure[] {
    if (hasUnknown(inputs.protocol)) return [];
    const given = (names: string[]) => names.filter((name) => (inputs[name] ?? null) !== null);
    if (inputs.protocol === "TCP") {
        return given(["certificateArn", "sslPolicy", "alpnPolicy"]).map((property) => ({
            property,
            reason: `ValidationError: a TCP listener has no ${property}`,
        }));
    }
    // The provider does not send it for TLS, so it would be without effect.
    return given(["tcpIdleTimeoutSeconds"]).map((property) => ({
        property,
        reason: `a TLS listener has an idle timeout of ${IDLE_SECONDS} s, which cannot be changed`,
    }));
}

function oneAction(value: Values[]): string | undefined {
    return value.length === 1 && isMap(value[0]) ? undefined : "a listener of a network load balancer has one action";
}
