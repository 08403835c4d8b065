import ipaddr from "ipaddr.js";
import { randomBytes } from "node:crypto";
import { balancerOf } from "../../cloud/balancer-state.ts";
import type { CloudState, NetworkInterface, Subnet } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { type Cidr, addressAt, parseCidr } from "../../network/cidr.ts";
import { findSubnet } from "./network.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, arn, find, newId, text } from "./resource-type.ts";
import { ONE_VALUE } from "./schema.ts";

/** AWS reserves the first four addresses of a subnet and its last one. */
const RESERVED_HEAD = 4;

export const networkInterface: ResourceType = {
    label: "EC2 Network Interface",
    inputs: {
        subnetId: { kind: "string", required: true, forceNew: true },
        // If it is absent, AWS uses the VPC's default group. The lab has no default groups.
        securityGroups: { kind: "set", needed: "the lab has no default groups", invalid: groups },
        ipv6AddressCount: { kind: "integer", computed: true, invalid: count },
        description: { kind: "string", inert: "for people" },
        sourceDestCheck: { kind: "boolean", inert: ONE_VALUE, default: true, invalid: sourceDestCheck },
        tags: { kind: "tags" },
    },
    outputs: [
        "arn",
        "ownerId",
        "region",
        "macAddress",
        "privateIp",
        "privateIps",
        "privateDnsName",
        "ipv6Addresses",
        "interfaceType",
    ],
    create({ state }, inputs) {
        const subnet = findSubnet(state, text(inputs, "subnetId"));
        const id = newId("eni");
        const made: NetworkInterface = {
            id,
            subnetId: subnet.id,
            macAddress: newMac(),
            privateIp: freeAddress(state, subnet),
            ipv6Addresses: [],
            securityGroupIds: [],
        };
        setGroups(state, made, inputs);
        setIpv6Addresses(state, made, inputs);
        state.networkInterfaces[id] = made;
        return id;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            const target = findInterface(state, id);
            setGroups(state, target, news);
            setIpv6Addresses(state, target, news);
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            const holder = holderOf(state, id) ?? balancerOf(state, id);
            if (holder) {
                throw new ApiError(
                    "InvalidParameterValue",
                    `Network interface '${id}' is currently in use by ${holder}.`,
                );
            }
            deleteInterface(state, id);
        });
    },
    describe(cloud, id) {
        const found = cloud.state.networkInterfaces[id];
        return (
            found && {
                arn: arn(cloud, "network-interface", id),
                subnetId: found.subnetId,
                macAddress: found.macAddress,
                privateIp: found.privateIp,
                privateIps: [found.privateIp],
                privateDnsName: privateName(found.privateIp, cloud.region),
                securityGroups: found.securityGroupIds,
                ipv6AddressCount: found.ipv6Addresses.length,
                ipv6Addresses: found.ipv6Addresses,
                interfaceType: "interface",
            }
        );
    },
};

/** Deletes an interface and disassociates its elastic address. */
export function deleteInterface(state: CloudState, id: string): void {
    delete state.networkInterfaces[id];
    for (const address of Object.values(state.addresses)) {
        if (address.association?.networkInterfaceId === id) delete address.association;
    }
}

export function findInterface(state: CloudState, id: string): NetworkInterface {
    return find(state.networkInterfaces, id, "InvalidNetworkInterfaceID.NotFound", "networkInterface");
}

/** The instance that an interface is attached to. */
export function holderOf(state: CloudState, interfaceId: string): string | undefined {
    return Object.values(state.instances).find((item) => item.networkInterfaceId === interfaceId)?.id;
}

export function privateName(address: string, region: string): string {
    return `ip-${address.replaceAll(".", "-")}.${region}.compute.internal`;
}

export function newMac(): string {
    return `0a:${[...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}

/** An address that AWS chooses: a subnet's block is a /64. */
export function randomIpv6(block: Cidr): string {
    return ipaddr.fromByteArray([...block.base.toByteArray().slice(0, 8), ...randomBytes(8)]).toString();
}

export function freeAddress(state: CloudState, subnet: Subnet): string {
    const block = parseCidr(subnet.cidrBlock)!;
    const taken = new Set(
        Object.values(state.networkInterfaces)
            .filter((item) => item.subnetId === subnet.id)
            .map((item) => item.privateIp),
    );
    const size = 2 ** (32 - block.prefix);
    for (let offset = RESERVED_HEAD; offset < size - 1; offset++) {
        const address = addressAt(block, offset);
        if (!taken.has(address)) return address;
    }
    throw new ApiError(
        "InsufficientFreeAddressesInSubnet",
        `The specified subnet '${subnet.id}' does not have enough free addresses to satisfy the request.`,
    );
}

export function setGroups(state: CloudState, target: NetworkInterface, inputs: Values): void {
    const { vpcId } = findSubnet(state, target.subnetId);
    const wanted = (inputs.securityGroups as string[] | undefined) ?? [];
    const missing = wanted.find((id) => state.securityGroups[id]?.vpcId !== vpcId);
    if (missing)
        throw new ApiError("InvalidGroup.NotFound", `The security group '${missing}' does not exist in VPC '${vpcId}'`);
    refuseBeyond("interfaceGroups", wanted.length);
    target.securityGroupIds = [...wanted];
}

/** Keeps the addresses that the interface has, so that a changed count does not change the others. */
export function setIpv6Addresses(state: CloudState, target: NetworkInterface, inputs: Values): void {
    const { ipv6CidrBlock, assignIpv6AddressOnCreation } = findSubnet(state, target.subnetId);
    const isNew = state.networkInterfaces[target.id] === undefined;
    const present = isNew && assignIpv6AddressOnCreation ? 1 : target.ipv6Addresses.length;
    const wanted = (inputs.ipv6AddressCount as number | undefined) ?? present;
    const block = parseCidr(ipv6CidrBlock ?? "");
    if (wanted > 0 && !block) {
        throw new ApiError("InvalidParameterValue", `The subnet '${target.subnetId}' has no IPv6 CIDR block`);
    }
    target.ipv6Addresses.length = Math.min(wanted, target.ipv6Addresses.length);
    while (block && target.ipv6Addresses.length < wanted) {
        target.ipv6Addresses.push(randomIpv6(block));
    }
}

function groups(value: string[]): string | undefined {
    return value.length > 0 ? undefined : "at least one security group is needed: the lab has no default groups";
}

function sourceDestCheck(value: boolean): string | undefined {
    return value ? undefined : "the lab's interfaces drop traffic for other addresses: leave it out, or set it to true";
}

function count(value: number): string | undefined {
    return value >= 0 && value <= 15 ? undefined : `${value} is not between 0 and 15`;
}
