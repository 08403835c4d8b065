import { type CloudState, type Instance, type NetworkInterface, publicIpOf } from "../../cloud/state.ts";
import type { Lab } from "../../lab.ts";
import type { CheckFailure } from "../provider.ts";
import { type Values, isMap } from "../property-values.ts";
import { freePublicIp } from "./addresses.ts";
import {
    deleteInterface,
    findInterface,
    holderOf,
    networkInterface,
    setGroups,
    setIpv6Addresses,
} from "./interfaces.ts";
import { findSubnet } from "./network.ts";
import { ApiError, type Cloud, text } from "./resource-type.ts";
import { type Schema, between } from "./schema.ts";

/** The inputs about the interface that a launch makes, by the names that the provider's message uses. */
const LAUNCHED = {
    associatePublicIpAddress: "associate_public_ip_address",
    ipv6AddressCount: "ipv6_address_count",
    subnetId: "subnet_id",
    vpcSecurityGroupIds: "vpc_security_group_ids",
};

/** A machine has an interface that exists, or one that its launch makes and its termination deletes. */
export const networkInputs: Schema = {
    primaryNetworkInterface: { kind: { networkInterfaceId: { kind: "string", required: true, forceNew: true } } },
    subnetId: { kind: "string", computed: true, forceNew: true },
    vpcSecurityGroupIds: { kind: "set", computed: true },
    ipv6AddressCount: { kind: "integer", computed: true, invalid: between(0, 15) },
    associatePublicIpAddress: { kind: "boolean", computed: true, forceNew: true },
};

export function checkNetwork(inputs: Values): CheckFailure[] {
    if (inputs.primaryNetworkInterface !== undefined) {
        const other = Object.entries(LAUNCHED).find(([name]) => inputs[name] !== undefined);
        if (!other) return [];
        return [
            { property: "primaryNetworkInterface", reason: `"primary_network_interface": conflicts with ${other[1]}` },
        ];
    }
    const missing = [
        ["subnetId", "the lab has no default VPC"],
        ["vpcSecurityGroupIds", "the lab has no default groups"],
    ].filter(([name]) => inputs[name!] === undefined || (inputs[name!] as unknown[]).length === 0);
    return missing.map(([property = "", why]) => ({
        property,
        reason: `missing property "${property}" of a machine without primaryNetworkInterface: ${why}`,
    }));
}

/** The interface for a new machine. */
export function interfaceFor(cloud: Cloud, inputs: Values): NetworkInterface {
    const { state, lab } = cloud;
    if (isMap(inputs.primaryNetworkInterface)) {
        const given = findInterface(state, text(inputs.primaryNetworkInterface, "networkInterfaceId"));
        if (!holderOf(state, given.id)) return given;
        throw new ApiError("InvalidNetworkInterface.InUse", `Interface: [${given.id}] in use.`);
    }
    const subnet = findSubnet(state, text(inputs, "subnetId"));
    const id = networkInterface.create(cloud, {
        subnetId: subnet.id,
        securityGroups: inputs.vpcSecurityGroupIds ?? [],
        // The provider does not send 0, so the subnet's default applies.
        ...(inputs.ipv6AddressCount ? { ipv6AddressCount: inputs.ipv6AddressCount } : {}),
    });
    const made = findInterface(state, id);
    const isPublic = (inputs.associatePublicIpAddress as boolean | undefined) ?? subnet.mapPublicIpOnLaunch ?? false;
    made.launched = { isPublic };
    if (isPublic) made.publicIp = freePublicIp(state, lab);
    return made;
}

/** Changes the interface of a machine whose launch has made it. */
export function updateInterface(state: CloudState, { networkInterfaceId }: Instance, news: Values): void {
    const target = findInterface(state, networkInterfaceId);
    if (!target.launched) return;
    if (news.vpcSecurityGroupIds !== undefined) setGroups(state, target, { securityGroups: news.vpcSecurityGroupIds });
    if (news.ipv6AddressCount !== undefined) setIpv6Addresses(state, target, news);
}

/** Removes what a machine's launch has made. An interface that existed stays. */
export function releaseInterface(state: CloudState, { networkInterfaceId }: Instance): void {
    if (state.networkInterfaces[networkInterfaceId]?.launched) deleteInterface(state, networkInterfaceId);
}

/** A stopped machine loses its automatic public address. */
export function stop(state: CloudState, target: Instance): void {
    target.desired = "stopped";
    const own = findInterface(state, target.networkInterfaceId);
    if (own.launched && own.publicIp) own.launched.formerPublicIp = own.publicIp;
    delete own.publicIp;
}

/** A machine that starts gets another automatic public address, unless it has an elastic one. */
export function start(state: CloudState, lab: Lab, target: Instance): void {
    target.desired = "running";
    const own = findInterface(state, target.networkInterfaceId);
    if (own.launched?.isPublic && !publicIpOf(state, own)) {
        own.publicIp = freePublicIp(state, lab, own.launched.formerPublicIp);
    }
}
