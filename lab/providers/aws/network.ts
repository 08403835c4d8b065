import type { CloudState, RouteTable, Subnet, Vpc } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { type Cidr, canonicalCidr, cidr, contains, formatCidr, overlaps, parseCidr } from "../../network/cidr.ts";
import {
    ApiError,
    type Cloud,
    type ResourceType,
    arn,
    derivedId,
    find,
    newId,
    optionalText,
    text,
} from "./resource-type.ts";
import { refuseBeyond } from "./quotas.ts";
import { zoneId, zonesOf } from "./zones.ts";
import { ONE_VALUE } from "./schema.ts";

/** The addresses for a lab's VPCs. The upper half of 10.77.0.0/16 is the lab's "internet". */
const VPC_POOL = parseCidr("10.77.0.0/17")!;

export const vpc: ResourceType = {
    label: "EC2 VPC",
    inputs: {
        cidrBlock: { kind: "string", needed: "the lab has no IPAM", forceNew: true, invalid: vpcCidr },
        assignGeneratedIpv6CidrBlock: { kind: "boolean" },
        enableDnsHostnames: {
            kind: "boolean",
            inert: "the lab's machines have no AWS host names",
            computed: true,
        },
        enableDnsSupport: { kind: "boolean", inert: ONE_VALUE, default: true, invalid: dnsSupport },
        tags: { kind: "tags" },
    },
    outputs: [
        "arn",
        "ownerId",
        "region",
        "ipv6CidrBlock",
        "ipv6AssociationId",
        "mainRouteTableId",
        "defaultSecurityGroupId",
    ],
    create({ state, lab }, inputs) {
        refuseBeyond("vpcs", 1 + Object.keys(state.vpcs).length);
        const id = newId("vpc");
        state.vpcs[id] = { id, cidrBlock: text(inputs, "cidrBlock") };
        if (inputs.assignGeneratedIpv6CidrBlock) state.vpcs[id].ipv6CidrBlock = freeIpv6Block(state, lab);
        return id;
    },
    async update(change, id, news) {
        await change(({ state, lab }) => {
            const target = findVpc(state, id);
            if (news.assignGeneratedIpv6CidrBlock && !target.ipv6CidrBlock) {
                target.ipv6CidrBlock = freeIpv6Block(state, lab);
            }
            if (!news.assignGeneratedIpv6CidrBlock && target.ipv6CidrBlock) {
                if (Object.values(state.subnets).some((subnet) => subnet.vpcId === id && subnet.ipv6CidrBlock)) {
                    throw new ApiError(
                        "InvalidCidrBlock.InUse",
                        `The vpc ${id} has subnets that use its IPv6 CIDR block`,
                    );
                }
                delete target.ipv6CidrBlock;
            }
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            const inVpc = (item: { vpcId?: string }) => item.vpcId === id;
            const parts = [state.subnets, state.internetGateways, state.routeTables, state.securityGroups];
            if (parts.some((part) => Object.values(part).some(inVpc))) {
                throw new ApiError("DependencyViolation", `The vpc '${id}' has dependencies and cannot be deleted.`);
            }
            delete state.vpcs[id];
        });
    },
    describe(cloud, id, inputs) {
        const found = cloud.state.vpcs[id];
        return (
            found && {
                arn: arn(cloud, "vpc", id),
                cidrBlock: found.cidrBlock,
                enableDnsHostnames: inputs.enableDnsHostnames ?? false,
                ipv6CidrBlock: found.ipv6CidrBlock ?? "",
                ipv6AssociationId: found.ipv6CidrBlock ? derivedId("vpc-cidr-assoc", id) : "",
                mainRouteTableId: derivedId("rtb", id),
                defaultSecurityGroupId: derivedId("sg", id),
            }
        );
    },
};

export const subnet: ResourceType = {
    label: "EC2 Subnet",
    inputs: {
        vpcId: { kind: "string", required: true, forceNew: true },
        cidrBlock: {
            kind: "string",
            needed: "the lab's subnets have an IPv4 block",
            forceNew: true,
            invalid: cidr(4),
            canonical: canonicalCidr,
        },
        ipv6CidrBlock: { kind: "string", computed: true, invalid: cidr(6), canonical: canonicalCidr },
        availabilityZone: { kind: "string", forceNew: true, computed: true },
        assignIpv6AddressOnCreation: { kind: "boolean", default: false },
        mapPublicIpOnLaunch: { kind: "boolean", default: false },
        tags: { kind: "tags" },
    },
    outputs: ["arn", "ownerId", "region", "availabilityZoneId", "ipv6CidrBlockAssociationId"],
    create({ state, region }, inputs) {
        const vpcId = text(inputs, "vpcId");
        const parent = findVpc(state, vpcId);
        const zones = zonesOf(region);
        const zone = optionalText(inputs, "availabilityZone") ?? zones[0]!;
        if (!zones.includes(zone)) {
            throw new ApiError(
                "InvalidParameterValue",
                `Value (${zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the ` +
                    `following availability zones: ${zones.join(", ")}.`,
            );
        }
        const id = newId("subnet");
        const block = parseCidr(text(inputs, "cidrBlock"))!;
        if (!contains(parseCidr(parent.cidrBlock)!, block) || block.prefix > 28) {
            throw new ApiError("InvalidSubnet.Range", `The CIDR '${formatCidr(block)}' is invalid.`);
        }
        refuseConflict(state, vpcId, id, block, "cidrBlock");
        state.subnets[id] = { id, vpcId, cidrBlock: formatCidr(block), availabilityZone: zone };
        setIpv6Block(state, state.subnets[id], optionalText(inputs, "ipv6CidrBlock"));
        setAutomaticIpv6(state.subnets[id], inputs);
        if (inputs.mapPublicIpOnLaunch === true) state.subnets[id].mapPublicIpOnLaunch = true;
        return id;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            const target = findSubnet(state, id);
            if (news.assignIpv6AddressOnCreation !== true) setAutomaticIpv6(target, news);
            // Without the block in the inputs there is no change. The next change of another property removes it.
            setIpv6Block(state, target, optionalText(news, "ipv6CidrBlock"));
            setAutomaticIpv6(target, news);
            if (news.mapPublicIpOnLaunch === true) target.mapPublicIpOnLaunch = true;
            else delete target.mapPublicIpOnLaunch;
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            if (Object.values(state.networkInterfaces).some((item) => item.subnetId === id)) {
                throw new ApiError("DependencyViolation", `The subnet '${id}' has dependencies and cannot be deleted.`);
            }
            delete state.subnets[id];
        });
    },
    describe(cloud, id) {
        const found = cloud.state.subnets[id];
        return (
            found && {
                arn: arn(cloud, "subnet", id),
                cidrBlock: found.cidrBlock,
                ipv6CidrBlock: found.ipv6CidrBlock ?? "",
                ipv6CidrBlockAssociationId: found.ipv6CidrBlock ? derivedId("subnet-cidr-assoc", id) : "",
                availabilityZone: found.availabilityZone,
                availabilityZoneId: zoneId(found.availabilityZone),
            }
        );
    },
};

export const routeTable: ResourceType = {
    label: "EC2 Route Table",
    inputs: { vpcId: { kind: "string", required: true, forceNew: true }, tags: { kind: "tags" } },
    outputs: ["arn", "ownerId", "region"],
    create({ state }, inputs) {
        const id = newId("rtb");
        state.routeTables[id] = { id, vpcId: findVpc(state, text(inputs, "vpcId")).id, routes: {} };
        return id;
    },
    async remove(change, id) {
        await change(({ state }) => {
            if (Object.values(state.subnets).some((item) => item.routeTableId === id)) {
                throw new ApiError(
                    "DependencyViolation",
                    `The routeTable '${id}' has dependencies and cannot be deleted.`,
                );
            }
            delete state.routeTables[id];
        });
    },
    describe(cloud, id) {
        const found = cloud.state.routeTables[id];
        return found && { arn: arn(cloud, "route-table", id), vpcId: found.vpcId };
    },
};

export function findVpc(state: CloudState, id: string): Vpc {
    return find(state.vpcs, id, "InvalidVpcID.NotFound", "vpc");
}

export function findSubnet(state: CloudState, id: string): Subnet {
    return find(state.subnets, id, "InvalidSubnetID.NotFound", "subnet");
}

export function findRouteTable(state: CloudState, id: string): RouteTable {
    return find(state.routeTables, id, "InvalidRouteTableID.NotFound", "routeTable");
}

function dnsSupport(value: boolean): string | undefined {
    return value ? undefined : "the lab's machines use its DNS server in every VPC: leave it out, or set it to true";
}

function vpcCidr(value: string): string | undefined {
    const fault = cidr(4)(value);
    if (fault) return fault;
    const block = parseCidr(value)!;
    if (block.prefix < 16 || block.prefix > 28) return `"${value}": a VPC's netmask is between /16 and /28`;
    return contains(VPC_POOL, block) ? undefined : `"${value}": the lab's VPCs lie in ${formatCidr(VPC_POOL)}`;
}

function freeIpv6Block(state: CloudState, lab: Cloud["lab"]): string {
    const taken = new Set(Object.values(state.vpcs).map((item) => item.ipv6CidrBlock));
    let number = 1;
    while (taken.has(lab.net.vpcIpv6Cidr(number))) number++;
    return lab.net.vpcIpv6Cidr(number);
}

function setIpv6Block(state: CloudState, target: Subnet, wanted: string | undefined): void {
    const block = wanted === undefined ? undefined : parseCidr(wanted)!;
    const value = block && formatCidr(block);
    if (value === target.ipv6CidrBlock) return;
    if (
        Object.values(state.networkInterfaces).some((item) => item.subnetId === target.id && item.ipv6Addresses.length)
    ) {
        throw new ApiError(
            "InvalidCidrBlock.InUse",
            `The subnet ${target.id} has interfaces that use its IPv6 CIDR block`,
        );
    }
    if (target.assignIpv6AddressOnCreation) {
        throw new ApiError(
            "InvalidCidrBlock.InUse",
            `The subnet IPv6 CIDR block with association ID ${derivedId("subnet-cidr-assoc", target.id)} may not be ` +
                "disassociated, because its subnet has assign-ipv6-address-on-creation set to true.",
        );
    }
    delete target.ipv6CidrBlock;
    if (!block) return;
    const parent = parseCidr(findVpc(state, target.vpcId).ipv6CidrBlock ?? "");
    if (!parent || !contains(parent, block) || block.prefix !== 64) {
        throw new ApiError("InvalidSubnet.Range", `The IPv6 CIDR '${formatCidr(block)}' is invalid.`);
    }
    refuseConflict(state, target.vpcId, target.id, block, "ipv6CidrBlock");
    target.ipv6CidrBlock = formatCidr(block);
}

function setAutomaticIpv6(target: Subnet, { assignIpv6AddressOnCreation: wanted }: Values): void {
    if (wanted !== true) {
        delete target.assignIpv6AddressOnCreation;
        return;
    }
    if (!target.ipv6CidrBlock) {
        throw new ApiError(
            "InvalidParameterValue",
            "Invalid value 'true' for assign-ipv6-address-on-creation. Cannot set assign-ipv6-address-on-creation to true " +
                `unless the subnet (${target.id}) has an IPv6 CIDR block associated with it.`,
        );
    }
    target.assignIpv6AddressOnCreation = true;
}

function refuseConflict(
    state: CloudState,
    vpcId: string,
    id: string,
    block: Cidr,
    property: "cidrBlock" | "ipv6CidrBlock",
): void {
    for (const other of Object.values(state.subnets)) {
        const taken = parseCidr(other[property] ?? "");
        if (other.id !== id && other.vpcId === vpcId && taken && overlaps(taken, block)) {
            throw new ApiError(
                "InvalidSubnet.Conflict",
                `The CIDR '${formatCidr(block)}' conflicts with another subnet`,
            );
        }
    }
}
