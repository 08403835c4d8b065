import { type CloudState, publicIpOf } from "../cloud/state.ts";
import type { Lab } from "../lab.ts";
import { runningProcess } from "../process/process.ts";
import { servicePidFile } from "../services/service.ts";
import { type BalancerNode, backendOf, listenersOf, nodesOf, targetsOf } from "./haproxy-config.ts";
import { nodeService, serverTable, serversIn } from "./haproxy-socket.ts";

/** A load balancer's node, and what it holds of its targets. */
export interface NodeHealth {
    zone: string;
    address: string;
    /** Whether its HAProxy runs. */
    runs: boolean;
    targets: TargetHealth[];
}

export interface TargetHealth {
    instanceId: string;
    /** The listener's port. */
    port: number;
    /** Unknown if HAProxy does not answer. */
    health: "healthy" | "unhealthy" | "unknown";
}

/** The nodes of all load balancers that have a listener. */
export function balancerHealth(lab: Lab, state: CloudState): Promise<NodeHealth[]> {
    return Promise.all(nodesOf(state).map((node) => nodeHealth(lab, state, node)));
}

async function nodeHealth(lab: Lab, state: CloudState, node: BalancerNode): Promise<NodeHealth> {
    const card = state.networkInterfaces[node.networkInterfaceId]!;
    const service = nodeService(node.networkInterfaceId);
    const runs = runningProcess(servicePidFile(lab, service)) !== undefined;
    const servers = runs ? await serverTable(lab, service).then(serversIn, () => []) : [];
    const healthOf = (backend: string, name: string) => {
        const found = servers.find((one) => one.backend === backend && one.name === name);
        if (!found) return "unknown";
        return found.isHealthy ? "healthy" : "unhealthy";
    };
    const targets = listenersOf(state, node.balancer).flatMap((listener) =>
        targetsOf(state, node, state.targetGroups[listener.targetGroupArn]!).map(({ instanceId, server }) => ({
            ...{ instanceId, port: listener.port },
            health: healthOf(backendOf(listener), server),
        })),
    ) as TargetHealth[];
    const { availabilityZone } = state.subnets[node.subnetId]!;
    return { zone: availabilityZone, address: publicIpOf(state, card) ?? card.privateIp, runs, targets };
}
