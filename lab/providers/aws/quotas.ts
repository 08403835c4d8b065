import type { Instance } from "../../cloud/state.ts";
import { findInstanceType } from "./instance-types.ts";
import { ApiError } from "./resource-type.ts";

/** The default quotas that the program can reach, with AWS's error if one is exceeded. */
export const QUOTAS = {
    addresses: { most: 5, code: "AddressLimitExceeded", what: "addresses" },
    vpcs: { most: 5, code: "VpcLimitExceeded", what: "VPCs" },
    internetGateways: { most: 5, code: "InternetGatewayLimitExceeded", what: "internet gateways" },
    /** For each direction and address family. */
    groupRules: { most: 60, code: "RulesPerSecurityGroupLimitExceeded", what: "rules per security group" },
    interfaceGroups: {
        most: 5,
        code: "SecurityGroupsPerInterfaceLimitExceeded",
        what: "security groups per interface",
    },
    loadBalancers: { most: 50, code: "TooManyLoadBalancers", what: "network load balancers" },
    listeners: { most: 50, code: "TooManyListeners", what: "listeners per load balancer" },
    /** For each zone of a load balancer, or for all zones together with cross-zone load balancing. */
    targets: { most: 500, code: "TooManyTargets", what: "targets" },
} as const;

/** The quota for on-demand instances of the families that the lab knows. A new account has 5, and asks for more. */
const MOST_VCPUS = 16;

/** @param count the number of objects including the new one */
export function refuseBeyond(quota: keyof typeof QUOTAS, count: number): void {
    const { most, code, what } = QUOTAS[quota];
    if (count > most) throw new ApiError(code, `The maximum number of ${what} has been reached.`);
}

/** Only running machines count. */
export function refuseVcpus(instances: Instance[]): void {
    const running = instances.filter(({ desired }) => desired === "running");
    const vcpus = running.reduce((sum, { instanceType }) => sum + (findInstanceType(instanceType)?.vcpus ?? 0), 0);
    if (vcpus <= MOST_VCPUS) return;
    throw new ApiError(
        "VcpuLimitExceeded",
        `You have requested more vCPU capacity than your current vCPU limit of ${MOST_VCPUS} allows for the instance bucket ` +
            "that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to " +
            "request an adjustment to this limit.",
    );
}
