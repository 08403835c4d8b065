import { randomBytes } from "node:crypto";
import type { CloudState } from "../../cloud/state.ts";
import { findSubnet } from "./network.ts";
import { findInterface } from "./interfaces.ts";
import { model } from "./models.ts";
import { refuseBeyond } from "./quotas.ts";
import { ApiError, type ResourceType, text } from "./resource-type.ts";
import { findTargetGroup } from "./target-group.ts";

/** Registers a machine with a target group. */
export const targetGroupAttachment: ResourceType = {
    label: "ELBv2 Target Group Attachment",
    inputs: {
        targetGroupArn: { kind: "string", required: true, forceNew: true },
        targetId: { kind: "string", required: true, forceNew: true },
        port: { kind: "integer", forceNew: true, model: model("elbv2", "RegisterTargets", "Targets.Port") },
    },
    outputs: ["region"],
    create({ state }, inputs) {
        const group = findTargetGroup(state, text(inputs, "targetGroupArn"));
        const instanceId = text(inputs, "targetId");
        refuseTarget(state, group.vpcId, instanceId);
        const target = { instanceId, port: (inputs.port as number | undefined) ?? group.port };
        const isSame = (other: typeof target) => other.instanceId === instanceId && other.port === target.port;
        // A second registration of the same target is the same target.
        if (!group.targets.some(isSame)) {
            refuseBeyond("targets", 1 + group.targets.length);
            group.targets.push(target);
        }
        return `${group.arn}-${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}${randomBytes(6).toString("hex")}`;
    },
    async remove(change, _id, state) {
        await change(({ state: { targetGroups } }) => {
            const group = targetGroups[text(state, "targetGroupArn")];
            if (!group) return;
            const port = (state.port as number | undefined) ?? group.port;
            const isIt = (other: { instanceId: string; port: number }) =>
                other.instanceId === text(state, "targetId") && other.port === port;
            group.targets = group.targets.filter((other) => !isIt(other));
        });
    },
    describe({ state }, _id, inputs) {
        const group = state.targetGroups[text(inputs, "targetGroupArn")];
        const instanceId = text(inputs, "targetId");
        const port = (inputs.port as number | undefined) ?? group?.port;
        const found = group?.targets.find((other) => other.instanceId === instanceId && other.port === port);
        // A terminated instance is no target any more.
        return found && state.instances[instanceId] ? { targetGroupArn: group!.arn, targetId: instanceId } : undefined;
    },
};

function refuseTarget(state: CloudState, vpcId: string, instanceId: string): void {
    const wrong = (reason: string) => new ApiError("InvalidTarget", `The following targets ${reason}: '${instanceId}'`);
    const instance = state.instances[instanceId];
    if (!instance) throw wrong("do not exist");
    if (instance.desired !== "running") throw wrong("are not in a running state and cannot be registered");
    const { subnetId } = findInterface(state, instance.networkInterfaceId);
    if (findSubnet(state, subnetId).vpcId !== vpcId) throw wrong(`are not in the target group VPC '${vpcId}'`);
}
