import { beforeEach, describe, expect, it } from "vitest";
import { EXISTING_VPC } from "../../lab/cloud/existing-network.ts";
import { generatedBalancerName } from "../../lab/providers/aws/balancer-names.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCa } from "../host/test-ca.ts";
import {
    type BalancerNetwork,
    balancerInputs,
    balancerNetwork,
    groupInputs,
    listenerInputs,
} from "./lab-aws-balancer-cloud.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
let network: BalancerNetwork;
beforeEach(async () => {
    cloud = TestCloud.create();
    network = await balancerNetwork(cloud);
});

const balancer = (more: Values = {}) => cloud.make("LoadBalancer", { ...balancerInputs(network), ...more });
const targets = (more: Values = {}) => cloud.make("TargetGroup", { ...groupInputs(network), ...more });

describe("a network load balancer", () => {
    it("has an interface with its group in each subnet, with the elastic and the chosen IPv6 address", async () => {
        const made = await balancer();
        const state = await cloud.state();
        const [first, second] = network.mappings;
        const enis = state.loadBalancers[made.id]!.zones.map(
            (zone) => state.networkInterfaces[zone.networkInterfaceId]!,
        );
        expect(
            enis.map(({ subnetId, ipv6Addresses, securityGroupIds }) => [subnetId, ipv6Addresses, securityGroupIds]),
        ).toEqual([
            [first!.subnetId, [first!.ipv6Address], [network.group.id]],
            [second!.subnetId, [second!.ipv6Address], [network.group.id]],
        ]);
        const associated = network.addresses.map(({ id }) => state.addresses[id]?.association?.networkInterfaceId);
        expect(associated).toEqual(enis.map(({ id }) => id));
        expect(made.outputs).toMatchObject({
            arn: made.id,
            arnSuffix: expect.stringMatching(/^net\/x-\w+\/\w{16}$/) as string,
            dnsName: expect.stringMatching(/\.elb\.eu-central-1\.amazonaws\.com$/) as string,
            vpcId: network.vpc.id,
        });
        expect((await cloud.read(made))?.inputs).toEqual(made.inputs);
    });

    it("is refused in a VPC without internet gateway, and with a name that is taken", async () => {
        await balancer({ name: "mine", subnetMappings: [network.mappings[0]!] });
        await expect(balancer({ name: "mine" })).rejects.toThrow("DuplicateLoadBalancerName");
        const other = TestCloud.create();
        const there = await balancerNetwork(other);
        await other.store.change((state) => void delete state.internetGateways[there.gateway.id]);
        await expect(other.make("LoadBalancer", balancerInputs(there))).rejects.toThrow("has no internet gateway");
    });

    it("has a generated name that leaves no room for a long resource's name", () => {
        const generated = (name: string) =>
            generatedBalancerName({}, { name, seed: new Uint8Array([1, 2, 3, 4]), olds: {} });
        expect(() => generated("n".repeat(25))).toThrow("plus 7 random chars is longer than maximum length 32");
        expect(generated("n".repeat(24)).name).toHaveLength(32);
    });

    it("gets a mapping, attributes and other groups in place; another or one mapping less replaces it", async () => {
        const [first, second] = network.mappings.map(({ subnetId, allocationId }) => ({ subnetId, allocationId }));
        const made = await balancer({ subnetMappings: [first!] });
        const with2 = { ...made.inputs, subnetMappings: [first!, second!] };
        expect(await cloud.diff(made, with2)).toEqual({ changed: ["subnetMappings"], replaces: [] });
        const grown = await cloud.update(made, with2);
        expect((await cloud.state()).loadBalancers[made.id]?.zones).toHaveLength(2);
        expect((await cloud.diff(grown, made.inputs)).replaces).toEqual(["subnetMappings"]);
        const moved = { ...grown.inputs, subnetMappings: [first!, { ...second!, allocationId: "eipalloc-2" }] };
        expect((await cloud.diff(grown, moved)).replaces).toEqual(["subnetMappings"]);
        expect((await cloud.diff(grown, { ...grown.inputs, securityGroups: [] })).replaces).toEqual(["securityGroups"]);
        const others = { ...grown.inputs, enableDeletionProtection: true, ipAddressType: "ipv4" };
        expect((await cloud.diff(grown, others)).replaces).toEqual([]);
        expect((await cloud.diff(grown, { ...grown.inputs, internal: true })).replaces).toEqual(["internal"]);
    });

    it("differs from its own inputs where a zone has addresses of both families, and is replaced for one zone more", async () => {
        const [first, second] = network.mappings;
        const made = await balancer({ subnetMappings: [first!] });
        expect(made.outputs.subnetMappings).toEqual([{ subnetId: first!.subnetId, allocationId: first!.allocationId }]);
        expect(await cloud.diff(made, made.inputs)).toEqual({ changed: ["subnetMappings"], replaces: [] });
        const more = { ...made.inputs, subnetMappings: [first!, second!] };
        expect((await cloud.diff(made, more)).replaces).toEqual(["subnetMappings"]);
    });

    it("keeps its interfaces, addresses, group and subnets from others until it is deleted", async () => {
        const made = await balancer({ enableDeletionProtection: true });
        const link = { allocationId: network.addresses[0].id, networkInterfaceId: network.card.id };
        await expect(cloud.make("EipAssociation", link)).rejects.toThrow("AuthFailure: You do not have permission");
        await expect(cloud.delete(network.addresses[0])).rejects.toThrow("InvalidIPAddress.InUse");
        await expect(cloud.delete(network.subnets[1])).rejects.toThrow("DependencyViolation");
        await expect(cloud.delete(network.gateway)).rejects.toThrow("mapped public address");
        await expect(cloud.delete(made)).rejects.toThrow(
            `OperationNotPermitted: Load balancer '${made.id}' cannot be deleted because deletion protection is enabled`,
        );
        const free = await cloud.update(made, { ...made.inputs, enableDeletionProtection: false });
        await cloud.delete(free);
        const state = await cloud.state();
        expect(Object.keys(state.networkInterfaces)).toEqual([network.card.id]);
        await cloud.delete(network.addresses[0]);
        await cloud.delete(network.subnets[1]);
    });
});

describe("a target group", () => {
    it("takes running machines of its VPC, each once, and forgets a terminated one", async () => {
        const group = await targets();
        const register = (targetId: string) =>
            cloud.make("TargetGroupAttachment", { targetGroupArn: group.id, targetId });
        const first = await register(network.machine.id);
        await register(network.machine.id);
        expect((await cloud.state()).targetGroups[group.id]?.targets).toEqual([
            { instanceId: network.machine.id, port: 443 },
        ]);
        await expect(register("i-1")).rejects.toThrow("InvalidTarget: The following targets do not exist: 'i-1'");
        const elsewhere = await cloud.make("TargetGroup", {
            ...groupInputs(network),
            name: "elsewhere",
            vpcId: EXISTING_VPC,
        });
        const link = { targetGroupArn: elsewhere.id, targetId: network.machine.id };
        await expect(cloud.make("TargetGroupAttachment", link)).rejects.toThrow("are not in the target group VPC");
        await cloud.delete(network.machine);
        expect(await cloud.read(first)).toBeUndefined();
    });

    it("is changed in place in its health check and attributes, and replaced for another port", async () => {
        const group = await targets();
        expect((await cloud.state()).targetGroups[group.id]).toMatchObject({ endsDeregistered: false });
        const attributes = { deregistrationDelay: 20, connectionTermination: true };
        const changed = { ...group.inputs, ...attributes, healthCheck: { protocol: "TCP" } };
        expect((await cloud.diff(group, changed)).replaces).toEqual([]);
        await cloud.update(group, changed);
        expect((await cloud.state()).targetGroups[group.id]).toMatchObject({
            ...{ deregistrationDelay: 20, endsDeregistered: true },
            healthCheck: { protocol: "TCP", interval: 30, timeout: 10, healthyThreshold: 3, unhealthyThreshold: 3 },
        });
        expect((await cloud.diff(group, { ...group.inputs, port: 80 })).replaces).toEqual(["port"]);
    });
});

describe("a listener", () => {
    let own: Made;
    let group: Made;
    let inputs: Values;
    beforeEach(async () => {
        [own, group] = [await balancer(), await targets()];
        inputs = { ...listenerInputs(own, group), protocol: "TLS", port: 443 };
    });

    it("needs an issued certificate and a known policy, and holds certificate, target group and port", async () => {
        const pending = await cloud.make("Certificate", { domainName: "a.example.test", validationMethod: "DNS" });
        await expect(cloud.make("Listener", { ...inputs, certificateArn: pending.id })).rejects.toThrow(
            "UnsupportedCertificate",
        );
        const { cert, key } = await (await TestCa.create("CN=ca")).issue(["a.example.test"], { key: 4096 });
        const long = await cloud.make("Certificate", { certificateBody: cert, privateKey: key });
        await expect(cloud.make("Listener", { ...inputs, certificateArn: long.id })).rejects.toThrow(
            "a supported key size",
        );
        const certificate = await network.certificate();
        const given = { ...inputs, certificateArn: certificate.id };
        await expect(cloud.make("Listener", { ...given, sslPolicy: "x" })).rejects.toThrow("SSL policy 'x' not found");
        const made = await cloud.make("Listener", given);
        expect(made.outputs).toMatchObject({ sslPolicy: "ELBSecurityPolicy-2016-08" });
        expect((await cloud.read(made))?.inputs).toEqual(made.inputs);
        expect((await cloud.read(group))?.outputs.loadBalancerArns).toEqual([own.id]);
        const policy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";
        await expect(cloud.make("Listener", { ...given, sslPolicy: policy })).rejects.toThrow("DuplicateListener");
        await expect(cloud.delete(certificate)).rejects.toThrow(/ResourceInUseException: Certificate .* is in use/);
        await expect(cloud.delete(group)).rejects.toThrow("is currently in use by a listener or a rule");
        expect((await cloud.diff(made, { ...made.inputs, port: 8443 })).replaces).toEqual([]);
        await cloud.delete(made);
        await cloud.delete(certificate);
        await cloud.delete(group);
    });

    it("goes with its load balancer, and a target group has one load balancer", async () => {
        const certificate = await network.certificate();
        const made = await cloud.make("Listener", { ...inputs, certificateArn: certificate.id });
        await cloud.store.change((state) => {
            const [balancer] = Object.values(state.loadBalancers);
            state.loadBalancers["arn:other"] = { ...balancer!, arn: "arn:other", zones: [] };
        });
        const elsewhere = { ...inputs, loadBalancerArn: "arn:other", certificateArn: certificate.id };
        await expect(cloud.make("Listener", elsewhere)).rejects.toThrow("TargetGroupAssociationLimit");
        await cloud.delete(own);
        expect(await cloud.read(made)).toBeUndefined();
        expect((await cloud.state()).tags).not.toHaveProperty([made.id]);
        await cloud.delete(group);
    });
});
