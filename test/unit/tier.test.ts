import { beforeAll, describe, expect, test } from "vitest";
import type { Value, Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, type Registered, isSecret, reveal, runProgram, valueOf } from "./program.ts";
import { dependency, names, ofType, run, steps, type Program } from "./tier-program.ts";
import { LONG_NAME, TIER } from "./tier-settings.ts";

const ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment";

let three: Program;
beforeAll(async () => {
    three = await run();
});

describe("nodes", () => {
    test("are spread over the zones, in public subnets, with neither elastic address nor data volume", () => {
        const instances = ofType(three, "aws:ec2/instance:Instance");
        expect(instances.map(({ name, inputs }) => [name, inputs.subnetId])).toEqual([
            ["linkmesh-node-1-instance", "linkmesh-tier-network-subnet-id"],
            ["linkmesh-node-2-instance", "linkmesh-tier-network-subnet-2-id"],
            ["linkmesh-node-3-instance", "linkmesh-tier-network-subnet-3-id"],
        ]);
        for (const { inputs, deleteBeforeReplace, replaceOnChanges, ignoreChanges } of instances) {
            expect(inputs).toMatchObject({
                ...{ associatePublicIpAddress: true, ipv6AddressCount: 1 },
                vpcSecurityGroupIds: ["linkmesh-nodes-security-group-id"],
                metadataOptions: { httpTokens: "required" },
                rootBlockDevice: { encrypted: true },
            });
            expect(isSecret(inputs.userData)).toBe(true);
            // The others serve until a new one does.
            expect(deleteBeforeReplace).toBe(false);
            expect(replaceOnChanges).toEqual(["instanceType"]);
            // A node that was stopped has none.
            expect(ignoreChanges).toContain("associatePublicIpAddress");
        }
        expect(ofType(three, "aws:ebs/volume:Volume")).toEqual([]);
        expect(ofType(three, "aws:ec2/networkInterface:NetworkInterface")).toEqual([]);
    });

    test("the network has a subnet in each of three zones", () => {
        const subnets = ofType(three, "aws:ec2/subnet:Subnet").map(({ inputs }) => inputs);
        expect(
            subnets.map(({ availabilityZone, cidrBlock, ipv6CidrBlock }) => [
                availabilityZone,
                cidrBlock,
                ipv6CidrBlock,
            ]),
        ).toEqual([
            ["eu-central-1a", "10.77.0.0/26", "2001:db8:0:100::/64"],
            ["eu-central-1b", "10.77.0.64/26", "2001:db8:0:101::/64"],
            ["eu-central-1c", "10.77.0.128/26", "2001:db8:0:102::/64"],
        ]);
    });

    test("another number of nodes changes neither the network nor the load balancer", async () => {
        const four = await run({ nodes: "5" });
        const others = (program: Program) =>
            program.registered
                .filter(({ name }) => !/-node-\d/.test(name) && !name.endsWith("-protect"))
                .map(({ name, inputs }) => [name, inputs]);
        expect(others(four)).toEqual(others(three));
        expect(four.named("linkmesh-node-4-instance").inputs.subnetId).toBe("linkmesh-tier-network-subnet-id");
    });

    test("are set up one after the other, each as a target of every listener", () => {
        const last = (node: number) => steps(three, node).at(-1)!;
        for (const node of [1, 2, 3]) {
            const [first] = steps(three, node);
            expect(first!.name).toBe(`linkmesh-node-${node}-ready`);
            const waits = first!.dependsOn;
            const before = last(node - 1 || 3).name;
            expect(waits.some((urn) => urn.endsWith(`::${before}`))).toBe(node > 1);
            for (const listener of ["http", "https", "grpc"]) {
                expect(waits.some((urn) => urn.endsWith(`${ATTACHMENT}::linkmesh-node-${node}-${listener}`))).toBe(
                    true,
                );
            }
            expect(reveal<{ host: string }>(first!.inputs.connection).host).toBe(`203.0.113.2${node}`);
        }
        expect(last(3).name).toBe("linkmesh-node-3-in-service");
        expect(names(ofType(three, ATTACHMENT))).toHaveLength(9);
    });

    test("a node is a target after the listeners, and is made after the rules", () => {
        const [listener] = ofType(three, "aws:lb/listener:Listener");
        expect(three.named("linkmesh-node-1-https").dependsOn).toContain(dependency(three, listener!.name));
        expect(three.named("linkmesh-node-1-instance").dependsOn).toContain(
            dependency(three, "linkmesh-nodes-security-in-443-balancer"),
        );
    });

    test("paused: no machine, and everything that clients know stays", async () => {
        const paused = await run({ paused: "true" });
        expect(names(paused.registered).filter((name) => /-node-\d/.test(name))).toEqual([]);
        expect(ofType(paused, "aws:lb/loadBalancer:LoadBalancer")).toHaveLength(1);
        expect(await valueOf(paused.outputs.ipv4Addresses)).toHaveLength(3);
        expect(await valueOf(paused.outputs.sshCommand)).toBe("");
    });
});

test("outputs name the load balancer, and the way to each node", async () => {
    const { outputs } = await run({ sessionManager: "true", operatingSystem: "ubuntu-24.04" });
    expect(outputs).toMatchObject({
        ...{ publicUrl: "https://linkmesh.example.com", certificateSource: "aws" },
        grpcEndpoint: "linkmesh.example.com:50051",
    });
    expect(await valueOf(outputs.ipv4)).toBe("198.51.100.1");
    expect(await valueOf(outputs.sshCommands)).toEqual(
        [1, 2, 3].map((node) => `ssh -i linkmesh-proxy.key ubuntu@203.0.113.2${node}`),
    );
    expect(await valueOf(outputs.sessionCommands)).toEqual(
        [1, 2, 3].map(
            (node) => `aws ssm start-session --region eu-central-1 --target linkmesh-node-${node}-instance-id`,
        ),
    );
    const checks = (await valueOf(outputs.checks)) as Record<string, unknown>;
    expect(checks).toMatchObject({
        tier: { ipv4: ["198.51.100.1", "198.51.100.2", "198.51.100.3"], nodes: [{}, {}, { host: "203.0.113.23" }] },
        ssh: { host: "203.0.113.21", user: "ubuntu" },
    });
    expect(checks.acmeDirectory).toBeUndefined();
});

test("a preview of an empty stack knows every resource", async () => {
    const preview = await runProgram({ ...CONFIG, ...TIER }, { preview: true });
    expect(names(preview.registered).sort()).toEqual(names(three.registered).sort());
});

test("AWS accepts all inputs", () => {
    const { provider } = TestCloud.create();
    const asked = new Set<string>();
    for (const { type, name, inputs } of three.registered) {
        if (!type.startsWith("aws:")) continue;
        const values: Values = Object.fromEntries(
            Object.entries(inputs).map(([key, one]) => [key, reveal<Value>(one)]),
        );
        const news = { values, secrets: [] };
        const olds = { values: {}, secrets: [] };
        const request = { type, name, news, olds, seed: Buffer.alloc(32) };
        expect([name, provider.check(request as never).failures]).toEqual([name, []]);
        asked.add(type);
    }
    for (const type of ["lb/loadBalancer", "lb/targetGroup", "lb/listener", "acm/certificate"]) {
        expect([...asked].filter((one) => one.startsWith(`aws:${type}:`))).toHaveLength(1);
    }
});

test("everything that can be tagged has the stack's tag", async () => {
    const { registered } = await run({ tags: '{"team":"platform"}' });
    const untagged = registered.filter(
        ({ type, inputs }) =>
            /^aws:(lb\/(loadBalancer|targetGroup|listener):|acm\/certificate:|ec2\/(instance|eip):)/.test(type) &&
            (inputs.tags as Record<string, string>)["linkmesh-proxy-stack"] !== "linkmesh-proxy/test/linkmesh",
    );
    expect(names(untagged)).toEqual([]);
});

test("the certificate is asked for by a name of at most 64 characters, with longer ones beside it", async () => {
    const program = await run({ domain: LONG_NAME, uiDomain: "ui.example.com" });
    const [{ inputs }] = ofType(program, "aws:acm/certificate:Certificate") as [Registered];
    expect(inputs).toMatchObject({ domainName: "ui.example.com", subjectAlternativeNames: [LONG_NAME] });
});

describe("existing subnets", () => {
    const subnets = { subnetIds: '["subnet-0a0a","subnet-0b0b"]' };

    test("nodes and load balancer are in them, and no network is made", async () => {
        const program = await run(subnets);
        expect(ofType(program, "aws:ec2/vpc:Vpc")).toEqual([]);
        const placed = [1, 2, 3].map((node) => program.named(`linkmesh-node-${node}-instance`).inputs.subnetId);
        expect(placed).toEqual(["subnet-0a0a", "subnet-0b0b", "subnet-0a0a"]);
        expect(program.named("linkmesh-lb-front").inputs.subnetMappings).toHaveLength(2);
    });

    test("without IPv6 there is none", async () => {
        const { named, registered, outputs } = await run({ subnetIds: '["subnet-0004"]' });
        expect(named("linkmesh-lb-front").inputs).toMatchObject({ ipAddressType: "ipv4" });
        expect(names(registered).filter((name) => name.endsWith("-aaaa"))).toEqual([]);
        expect(outputs.ipv6Addresses).toBeUndefined();
    });
});
