import { beforeAll, expect, it } from "vitest";
import { type BalancerNode, nodesOf, renderHaproxy } from "../../lab/balancers/haproxy-config.ts";
import { deregistered } from "../../lab/balancers/sessions.ts";
import type { CloudState } from "../../lab/cloud/state.ts";
import { expectGolden } from "./golden.ts";
import { balancerInputs, balancerNetwork, groupInputs, listenerInputs } from "./lab-aws-balancer-cloud.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let state: CloudState;
let nodes: BalancerNode[];

/** A balancer in two zones: TLS to TLS, TCP to TCP, and one machine in the first zone. */
beforeAll(async () => {
    const cloud = TestCloud.create();
    const network = await balancerNetwork(cloud);
    const balancer = await cloud.make("LoadBalancer", balancerInputs(network));
    const certificate = await network.certificate();
    const https = await cloud.make("TargetGroup", { ...groupInputs(network), name: "https" });
    const grpc = await cloud.make("TargetGroup", {
        ...{ ...groupInputs(network), name: "grpc", protocol: "TCP", port: 50051 },
        healthCheck: { protocol: "HTTPS", path: "/it's well", port: "443", interval: 10, timeout: 5 },
        targetHealthStates: [{ enableUnhealthyConnectionTermination: false }],
    });
    const http = await cloud.make("TargetGroup", {
        ...{ vpcId: network.vpc.id, name: "http", protocol: "TCP", port: 80, preserveClientIp: "false" },
    });
    const tls = { certificateArn: certificate.id, sslPolicy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" };
    await cloud.make("Listener", { ...listenerInputs(balancer, https), protocol: "TLS", port: 443, ...tls });
    await cloud.make("Listener", { ...listenerInputs(balancer, http), protocol: "TCP", port: 80 });
    const idle = { tcpIdleTimeoutSeconds: 6000 };
    await cloud.make("Listener", { ...listenerInputs(balancer, grpc), protocol: "TCP", port: 50051, ...idle });
    for (const { id } of [https, grpc, http]) {
        await cloud.make("TargetGroupAttachment", { targetGroupArn: id, targetId: network.machine.id });
    }
    state = await cloud.state();
    nodes = nodesOf(state);
});

/** The name of the certificate's file follows from its random ARN. */
const rendered = (node: BalancerNode, from = state) =>
    renderHaproxy(from, node).replace(/\w{7}\.pem/g, "CERTIFICATE.pem");

it("each zone has a node of its own, which sends to the machines of all zones", async () => {
    expect(nodes).toHaveLength(2);
    await expectGolden(rendered(nodes[0]!), "golden/balancer/haproxy.cfg");
    expect(rendered(nodes[1]!)).toContain("server 10.77.0.4:443");
});

it("without cross-zone load balancing a node sends to the machines of its zone only", () => {
    const alone = structuredClone(state);
    for (const balancer of Object.values(alone.loadBalancers)) balancer.isCrossZone = false;
    const [first, second] = nodesOf(alone).map((node) => rendered(node, alone));
    expect(first).toContain("server 10.77.0.4:443");
    expect(second).not.toContain("    server ");
});

it("a machine that was terminated elsewhere is no target, and a load balancer without listener needs no HAProxy", () => {
    const empty = structuredClone(state);
    empty.instances = {};
    expect(rendered(nodes[0]!, empty)).not.toContain("    server ");
    empty.listeners = {};
    expect(nodesOf(empty)).toEqual([]);
});

it("the sessions of a deregistered target end after the delay if its group terminates connections, unless it is back", () => {
    const without = structuredClone(state);
    for (const group of Object.values(without.targetGroups)) {
        Object.assign(group, { targets: [], deregistrationDelay: 30, endsDeregistered: group.name === "https" });
    }
    const before = [80, 443, 50051].map((port) => ({
        ...{ backend: `port_${port}`, name: `10.77.0.4:${port}`, isHealthy: true },
    }));
    const now = 1_790_000_000_000;
    const line = "port_443 10.77.0.4:443 1790000030\n";
    expect(deregistered(without, nodes[0]!, { before, present: "", now })).toBe(line);
    expect(deregistered(without, nodes[0]!, { before: [], present: line, now: now + 60_000 })).toBe(line);
    expect(deregistered(state, nodes[0]!, { before, present: line, now })).toBe("");
});
