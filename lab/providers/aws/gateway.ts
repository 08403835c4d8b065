import { type CloudState, publicIpOf } from "../../cloud/state.ts";
import { findVpc } from "./network.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, arn, find, newId, optionalText } from "./resource-type.ts";

export const internetGateway: ResourceType = {
    label: "EC2 Internet Gateway",
    inputs: { vpcId: { kind: "string", computed: true }, tags: { kind: "tags" } },
    outputs: ["arn", "ownerId", "region"],
    create({ state }, inputs) {
        refuseBeyond("internetGateways", 1 + Object.keys(state.internetGateways).length);
        const id = newId("igw");
        state.internetGateways[id] = { id };
        attachGateway(state, id, optionalText(inputs, "vpcId"));
        return id;
    },
    async update(change, id, news, olds) {
        // If only tags change, the gateway must stay attached.
        if (news.vpcId === olds.vpcId) return;
        await change(({ state }) => {
            detachGateway(state, id);
            attachGateway(state, id, optionalText(news, "vpcId"));
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            detachGateway(state, id);
            delete state.internetGateways[id];
        });
    },
    describe(cloud, id) {
        const found = cloud.state.internetGateways[id];
        return found && { arn: arn(cloud, "internet-gateway", id), vpcId: found.vpcId ?? "" };
    },
};

export function hasGateway(state: CloudState, vpcId: string): boolean {
    return Object.values(state.internetGateways).some((gateway) => gateway.vpcId === vpcId);
}

function attachGateway(state: CloudState, id: string, vpcId: string | undefined): void {
    const gateway = find(state.internetGateways, id, "InvalidInternetGatewayID.NotFound", "internetGateway");
    if (!vpcId) return;
    findVpc(state, vpcId);
    if (hasGateway(state, vpcId)) {
        throw new ApiError("InvalidParameterValue", `Network ${vpcId} already has an internet gateway attached`);
    }
    gateway.vpcId = vpcId;
}

function detachGateway(state: CloudState, id: string): void {
    const gateway = find(state.internetGateways, id, "InvalidInternetGatewayID.NotFound", "internetGateway");
    const mapped = Object.values(state.networkInterfaces).some(
        (holder) => publicIpOf(state, holder) && state.subnets[holder.subnetId]?.vpcId === gateway.vpcId,
    );
    if (gateway.vpcId && mapped) {
        throw new ApiError(
            "DependencyViolation",
            `Network ${gateway.vpcId} has some mapped public address(es). Please unmap those public address(es) before ` +
                `detaching the gateway.`,
        );
    }
    delete gateway.vpcId;
}
