import type { LoadBalancer } from "../../cloud/balancer-state.ts";
import type { CloudState, Subnet } from "../../cloud/state.ts";
import { contains, parseCidr } from "../../network/cidr.ts";
import { type Values, hasUnknown, isMap } from "../property-values.ts";
import { arnSuffix, balancerName, generatedBalancerName, newBalancerArn } from "./balancer-names.ts";
import { hasGateway } from "./gateway.ts";
import { deleteInterface, freeAddress, newMac, randomIpv6 } from "./interfaces.ts";
import { model } from "./models.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, find, newId, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, oneOf } from "./schema.ts";

/** The hosted zone of the names of network load balancers in eu-central-1. No record of the lab refers to it. */
const CANONICAL_ZONE = "Z3F0SRJ5LGBH90";

/** A Network Load Balancer with a mapping for each of its subnets. */
export const loadBalancer: ResourceType = {
    label: "ELBv2 network Load Balancer",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, invalid: balancerName },
        loadBalancerType: {
            kind: "string",
            needed: "the lab has network load balancers only",
            forceNew: true,
            inert: ONE_VALUE,
            model: model("elbv2", "CreateLoadBalancer", "Type"),
            invalid: oneOf("network"),
        },
        internal: { kind: "boolean", computed: true, forceNew: true },
        ipAddressType: {
            kind: "string",
            computed: true,
            model: model("elbv2", "CreateLoadBalancer", "IpAddressType"),
            invalid: oneOf("ipv4", "dualstack"),
        },
        subnetMappings: {
            kind: [
                {
                    subnetId: { kind: "string", required: true },
                    allocationId: { kind: "string" },
                    ipv6Address: { kind: "string" },
                },
            ],
            needed: "the lab's load balancers have the addresses of their mappings",
        },
        // AWS lets a network load balancer without a group take all traffic.
        securityGroups: { kind: "set", needed: "the lab's interfaces have a group" },
        enableCrossZoneLoadBalancing: { kind: "boolean", default: false },
        enableDeletionProtection: { kind: "boolean", default: false },
        tags: { kind: "tags" },
    },
    outputs: ["arn", "arnSuffix", "dnsName", "region", "subnets", "vpcId", "zoneId"],
    defaults: generatedBalancerName,
    misreads: (inputs) => ({ subnetMappings: mappingsOf(inputs).map(asRead) }),
    replaces: replacedBy,
    create(cloud, inputs) {
        const { state } = cloud;
        const name = text(inputs, "name");
        if (Object.values(state.loadBalancers).some((other) => other.name === name)) {
            throw new ApiError("DuplicateLoadBalancerName", `A load balancer with the name '${name}' already exists.`);
        }
        refuseBeyond("loadBalancers", 1 + Object.keys(state.loadBalancers).length);
        const subnets = mappingsOf(inputs).map(({ subnetId }) => subnetOf(state, subnetId));
        const vpcId = subnets[0]?.vpcId;
        if (vpcId === undefined) throw new ApiError("ValidationError", "At least one subnet must be specified");
        const made: LoadBalancer = {
            arn: newBalancerArn(cloud, `loadbalancer/net/${name}`),
            ...{ name, vpcId, zones: [] },
            ...{ internal: inputs.internal === true, ipAddressType: "ipv4", securityGroupIds: [] },
            ...{ isCrossZone: false, isProtected: false },
        };
        change(state, made, inputs);
        state.loadBalancers[made.arn] = made;
        return made.arn;
    },
    async update(transaction, id, news) {
        await transaction(({ state }) => change(state, findLoadBalancer(state, id), news));
    },
    async remove(transaction, id) {
        await transaction(({ state }) => {
            const target = findLoadBalancer(state, id);
            if (target.isProtected) {
                throw new ApiError(
                    "OperationNotPermitted",
                    `Load balancer '${id}' cannot be deleted because deletion protection is enabled`,
                );
            }
            // AWS deletes the listeners along. Target groups stay.
            for (const { arn, loadBalancerArn } of Object.values(state.listeners)) {
                if (loadBalancerArn !== id) continue;
                delete state.listeners[arn];
                delete state.tags?.[arn];
            }
            for (const { networkInterfaceId } of target.zones) deleteInterface(state, networkInterfaceId);
            delete state.loadBalancers[id];
        });
    },
    describe({ state, region }, id) {
        const found = state.loadBalancers[id];
        return (
            found && {
                ...{ arn: id, arnSuffix: arnSuffix(id), name: found.name, vpcId: found.vpcId },
                dnsName: `${found.name}-${id.split("/").at(-1)!}.elb.${region}.amazonaws.com`,
                zoneId: CANONICAL_ZONE,
                loadBalancerType: "network",
                internal: found.internal,
                ipAddressType: found.ipAddressType,
                subnets: found.zones.map(({ subnetId }) => subnetId),
                securityGroups: found.securityGroupIds,
                enableCrossZoneLoadBalancing: found.isCrossZone,
                enableDeletionProtection: found.isProtected,
            }
        );
    },
};

export function findLoadBalancer(state: CloudState, arn: string): LoadBalancer {
    const found = state.loadBalancers[arn];
    if (!found) throw new ApiError("LoadBalancerNotFound", `Load balancer '${arn}' not found`);
    return found;
}

interface Mapping {
    subnetId: string;
    allocationId?: string;
    ipv6Address?: string;
}

function mappingsOf(inputs: Values): Mapping[] {
    const mappings = Array.isArray(inputs.subnetMappings) ? inputs.subnetMappings.filter(isMap) : [];
    return mappings.map((mapping) => ({
        subnetId: text(mapping, "subnetId"),
        allocationId: optionalText(mapping, "allocationId"),
        ipv6Address: optionalText(mapping, "ipv6Address"),
    }));
}

/**
 * The provider reads one address of each zone, which is the IPv4 one where there are both
 * (https://github.com/hashicorp/terraform-provider-aws/issues/49531).
 */
function asRead({ subnetId, allocationId, ipv6Address }: Mapping): Values {
    if (allocationId !== undefined) return { subnetId, allocationId };
    return ipv6Address === undefined ? { subnetId } : { subnetId, ipv6Address };
}

/**
 * As the provider: a network load balancer keeps its mappings and only gets more, and has groups from the start or never. It
 * compares with what it has read, but not if there are as many as before.
 */
function replacedBy(olds: Values, news: Values): string[] {
    const replaced: string[] = [];
    const [had, kept] = [mappingsOf(olds), mappingsOf(news)];
    const shown = (one: Mapping) => JSON.stringify(kept.length === had.length ? asRead(one) : one);
    const isGone = (old: Mapping) => !kept.some((now) => shown(now) === shown(old));
    if (!hasUnknown(news.subnetMappings) && had.some(isGone)) replaced.push("subnetMappings");
    const hasGroups = ({ securityGroups }: Values) => Array.isArray(securityGroups) && securityGroups.length > 0;
    if (!hasUnknown(news.securityGroups) && hasGroups(olds) !== hasGroups(news)) replaced.push("securityGroups");
    return replaced;
}

function change(state: CloudState, target: LoadBalancer, inputs: Values): void {
    target.isCrossZone = inputs.enableCrossZoneLoadBalancing === true;
    target.isProtected = inputs.enableDeletionProtection === true;
    const groups = (inputs.securityGroups as string[] | undefined) ?? [];
    const missing = groups.find((group) => state.securityGroups[group]?.vpcId !== target.vpcId);
    if (missing) throw new ApiError("InvalidSecurityGroup", `Security group '${missing}' is not valid`);
    refuseBeyond("interfaceGroups", groups.length);
    target.securityGroupIds = [...groups];
    target.ipAddressType = inputs.ipAddressType === "dualstack" ? "dualstack" : "ipv4";
    for (const mapping of mappingsOf(inputs)) {
        if (!target.zones.some(({ subnetId }) => subnetId === mapping.subnetId)) addZone(state, target, mapping);
    }
    for (const { subnetId, networkInterfaceId } of target.zones) {
        const { ipv6CidrBlock } = subnetOf(state, subnetId);
        const eni = state.networkInterfaces[networkInterfaceId]!;
        eni.securityGroupIds = [...groups];
        if (target.ipAddressType === "ipv4") eni.ipv6Addresses = [];
        else if (!ipv6CidrBlock) {
            throw new ApiError("InvalidSubnet", "You must specify subnets with an associated IPv6 CIDR block.");
        } else if (eni.ipv6Addresses.length === 0) eni.ipv6Addresses = [randomIpv6(parseCidr(ipv6CidrBlock)!)];
    }
}

/** Makes the load balancer's interface in a subnet. */
function addZone(state: CloudState, target: LoadBalancer, { subnetId, allocationId, ipv6Address }: Mapping): void {
    const subnet = subnetOf(state, subnetId);
    const zoneOf = (id: string) => subnetOf(state, id).availabilityZone;
    if (subnet.vpcId !== target.vpcId) {
        throw new ApiError("InvalidConfigurationRequest", "All subnets must belong to the same VPC");
    }
    if (target.zones.some((other) => zoneOf(other.subnetId) === subnet.availabilityZone)) {
        throw new ApiError(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        );
    }
    if (!target.internal && !hasGateway(state, subnet.vpcId)) {
        throw new ApiError("InvalidSubnet", `VPC ${subnet.vpcId} has no internet gateway`);
    }
    const networkInterfaceId = newId("eni");
    state.networkInterfaces[networkInterfaceId] = {
        id: networkInterfaceId,
        subnetId,
        macAddress: newMac(),
        privateIp: freeAddress(state, subnet),
        ipv6Addresses: ipv6Address === undefined ? [] : [chosenIpv6(state, target, subnet, ipv6Address)],
        securityGroupIds: [],
    };
    takeAddress(state, target, networkInterfaceId, allocationId);
    target.zones.push({ subnetId, networkInterfaceId, ...(allocationId !== undefined && { allocationId }) });
}

function takeAddress(
    state: CloudState,
    target: LoadBalancer,
    networkInterfaceId: string,
    allocationId: string | undefined,
): void {
    if (allocationId === undefined) {
        if (target.internal) return;
        throw new ApiError(
            "InvalidConfigurationRequest",
            "the lab gives an internet-facing load balancer no address of its own: every mapping needs an allocationId",
        );
    }
    if (target.internal) {
        throw new ApiError(
            "InvalidConfigurationRequest",
            "Allocation IDs are not supported for internal load balancers",
        );
    }
    const address = state.addresses[allocationId];
    if (!address) throw new ApiError("AllocationIdNotFound", `Allocation id(s) '${allocationId}' not found`);
    if (address.association) throw new ApiError("ResourceInUse", "The allocation IDs are not available for use");
    address.association = { id: newId("eipassoc"), networkInterfaceId };
}

function chosenIpv6(state: CloudState, target: LoadBalancer, subnet: Subnet, wanted: string): string {
    const address = parseCidr(`${wanted}/128`);
    const block = parseCidr(subnet.ipv6CidrBlock ?? "");
    if (target.ipAddressType !== "dualstack") {
        throw new ApiError(
            "InvalidConfigurationRequest",
            "IPv6 addresses can only be specified for dualstack load balancers",
        );
    }
    if (!address || !block || !contains(block, address)) {
        throw new ApiError(
            "InvalidConfigurationRequest",
            `The IPv6 address '${wanted}' is not in the IPv6 CIDR block of the subnet '${subnet.id}'`,
        );
    }
    const text = address.base.toString();
    if (Object.values(state.networkInterfaces).some(({ ipv6Addresses }) => ipv6Addresses.includes(text))) {
        throw new ApiError("ResourceInUse", `The IPv6 address '${wanted}' is not available for use`);
    }
    return text;
}

function subnetOf(state: CloudState, id: string): Subnet {
    return find(state.subnets, id, "SubnetNotFound", "subnet");
}
