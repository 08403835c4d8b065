import { balancerOf } from "../../cloud/balancer-state.ts";
import type { CloudState } from "../../cloud/state.ts";
import type { Lab } from "../../lab.ts";
import { hasGateway } from "./gateway.ts";
import { findInterface } from "./interfaces.ts";
import { model } from "./models.ts";
import { findSubnet } from "./network.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, arn, find, newId, text } from "./resource-type.ts";
import { ONE_VALUE } from "./schema.ts";

/** The next are the NAT gateway's and the bastion's. */
const LAST_AUTOMATIC = 252;

export const eip: ResourceType = {
    label: "EC2 EIP",
    inputs: {
        domain: {
            kind: "string",
            inert: ONE_VALUE,
            computed: true,
            forceNew: true,
            model: model("ec2", "AllocateAddress", "Domain"),
            invalid: (value: string) => (value === "vpc" ? undefined : `"${value}": only "vpc" is left`),
        },
        tags: { kind: "tags" },
    },
    outputs: [
        "allocationId",
        "arn",
        "domain",
        "region",
        "publicIp",
        "publicDns",
        "networkBorderGroup",
        "publicIpv4Pool",
    ],
    create({ state, lab }) {
        refuseBeyond("addresses", 1 + Object.keys(state.addresses).length);
        const taken = takenPublicIps(state);
        let number = 1;
        while (taken.has(lab.net.elasticAddress(number))) number++;
        const allocationId = newId("eipalloc");
        state.addresses[allocationId] = { allocationId, publicIp: lab.net.elasticAddress(number) };
        return allocationId;
    },
    async remove(change, id) {
        await change(({ state }) => {
            if (state.addresses[id]?.association) {
                throw new ApiError("InvalidIPAddress.InUse", `Address ${state.addresses[id].publicIp} is in use.`);
            }
            delete state.addresses[id];
        });
    },
    describe(cloud, id) {
        const found = cloud.state.addresses[id];
        return (
            found && {
                allocationId: id,
                domain: "vpc",
                arn: arn(cloud, "elastic-ip", id),
                publicIp: found.publicIp,
                publicDns: publicName(found.publicIp, cloud.region),
                networkBorderGroup: cloud.region,
                publicIpv4Pool: "amazon",
            }
        );
    },
};

const ELASTIC = "the lab associates elastic addresses with interfaces";

export const eipAssociation: ResourceType = {
    label: "EC2 EIP Association",
    inputs: {
        allocationId: { kind: "string", needed: ELASTIC, forceNew: true },
        networkInterfaceId: { kind: "string", needed: ELASTIC, forceNew: true },
        allowReassociation: { kind: "boolean", forceNew: true },
    },
    outputs: ["publicIp", "privateIpAddress", "region"],
    create({ state }, inputs) {
        const address = find(
            state.addresses,
            text(inputs, "allocationId"),
            "InvalidAllocationID.NotFound",
            "allocation",
        );
        const target = findInterface(state, text(inputs, "networkInterfaceId"));
        const { vpcId } = findSubnet(state, target.subnetId);
        if (!hasGateway(state, vpcId)) {
            throw new ApiError("Gateway.NotAttached", `Network ${vpcId} is not attached to any internet gateway`);
        }
        if (balancerOf(state, target.id) ?? balancerOf(state, address.association?.networkInterfaceId)) {
            throw new ApiError("AuthFailure", "You do not have permission to access the specified resource.");
        }
        if (address.association && inputs.allowReassociation === false) {
            throw new ApiError(
                "Resource.AlreadyAssociated",
                `resource ${address.allocationId} is already associated with associate-id ${address.association.id}`,
            );
        }
        const other = addressOf(state, target.id);
        if (other && inputs.allowReassociation === false) {
            throw new ApiError(
                "Resource.AlreadyAssociated",
                `resource ${target.id} is already associated with associate-id ${other.association!.id}`,
            );
        }
        if (other) delete other.association;
        // AWS releases the automatic address.
        delete target.publicIp;
        address.association = { id: newId("eipassoc"), networkInterfaceId: target.id };
        return address.association.id;
    },
    async remove(change, id) {
        await change(({ state }) => {
            delete Object.values(state.addresses).find((item) => item.association?.id === id)?.association;
        });
    },
    describe({ state }, id) {
        const address = Object.values(state.addresses).find((item) => item.association?.id === id);
        if (!address?.association) return undefined;
        const { networkInterfaceId } = address.association;
        return {
            allocationId: address.allocationId,
            networkInterfaceId,
            publicIp: address.publicIp,
            privateIpAddress: state.networkInterfaces[networkInterfaceId]?.privateIp ?? "",
        };
    },
};

/** The elastic address of an interface. */
export function addressOf(state: CloudState, interfaceId: string) {
    return Object.values(state.addresses).find((item) => item.association?.networkInterfaceId === interfaceId);
}

/**
 * The last address that is free, because new elastic addresses take the first. The last two are not given out.
 * @param other an address that is free and not meant
 */
export function freePublicIp(state: CloudState, lab: Lab, other?: string): string {
    const taken = takenPublicIps(state).add(other);
    let number = LAST_AUTOMATIC;
    while (taken.has(lab.net.elasticAddress(number))) number--;
    return lab.net.elasticAddress(number);
}

function takenPublicIps(state: CloudState): Set<string | undefined> {
    return new Set(
        [...Object.values(state.addresses), ...Object.values(state.networkInterfaces)].map(({ publicIp }) => publicIp),
    );
}

export function publicName(address: string, region: string): string {
    return `ec2-${address.replaceAll(".", "-")}.${region}.compute.amazonaws.com`;
}
