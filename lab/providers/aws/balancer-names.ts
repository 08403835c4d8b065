import { randomBytes } from "node:crypto";
import { ACCOUNT } from "../../cloud/state.ts";
import { ProviderError } from "../provider.ts";
import type { Values } from "../property-values.ts";
import { type Cloud, generatedName } from "./resource-type.ts";

const MOST = 32;

/** Why a name of a load balancer or of a target group is wrong, in the provider's words. */
export function balancerName(value: string): string | undefined {
    if (!/^[0-9A-Za-z-]*$/.test(value)) return `only alphanumeric characters and hyphens allowed in "name": "${value}"`;
    if (value.length > MOST) return `"name" cannot be longer than ${MOST} characters: "${value}"`;
    if (value.startsWith("-")) return `"name" cannot begin with a hyphen: "${value}"`;
    if (value.endsWith("-")) return `"name" cannot end with a hyphen: "${value}"`;
    return value.startsWith("internal-") ? `"name" cannot begin with "internal-": "${value}"` : undefined;
}

/** The name that Pulumi generates. It refuses a resource's name that leaves no room for the random end. */
export function generatedBalancerName(
    inputs: Values,
    naming: { name: string; seed: Uint8Array; olds: Values },
): Values {
    if (inputs.name !== undefined) return {};
    const name = generatedName(naming) as string;
    if (name.length > MOST) {
        throw new ProviderError(`name '${naming.name}-' plus 7 random chars is longer than maximum length ${MOST}`);
    }
    return { name };
}

/** An ARN as Elastic Load Balancing makes them, as "…:loadbalancer/net/NAME/0123456789abcdef". */
export function newBalancerArn({ region }: Cloud, path: string): string {
    return `arn:aws:elasticloadbalancing:${region}:${ACCOUNT}:${path}/${newSuffix()}`;
}

/** A listener's ARN continues its load balancer's. */
export function newListenerArn(loadBalancerArn: string): string {
    return `${loadBalancerArn.replace(":loadbalancer/", ":listener/")}/${newSuffix()}`;
}

function newSuffix(): string {
    return randomBytes(8).toString("hex");
}

/** The end of an ARN, by which CloudWatch's metrics name a load balancer: "net/NAME/0123456789abcdef". */
export function arnSuffix(arn: string): string {
    const path = arn.split(":").at(-1)!;
    return path.startsWith("loadbalancer/") ? path.slice("loadbalancer/".length) : path;
}
