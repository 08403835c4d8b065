import { beforeAll, describe, expect, test } from "vitest";
import { TestCa } from "../host/test-ca.ts";
import type { Value, Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, isSecret, reveal, runProgram, type Registered, valueOf } from "./program.ts";
import { lookUp } from "../../components/cloud/lookups/lookups.ts";
import { parseSettings } from "../../components/settings/load.ts";
import { GOOD, problems } from "./problems.ts";
import { allowSeveral } from "./allow-several.ts";
import { TIER, TIER_VALUES } from "./tier-settings.ts";
import { several } from "../../components/settings/rules/not-yet.ts";

allowSeveral();

type Program = Awaited<ReturnType<typeof runProgram>>;

const run = (settings: Record<string, string> = {}) => runProgram({ ...CONFIG, ...TIER, ...settings });
const ofType = ({ registered }: Pick<Program, "registered">, type: string) =>
    registered.filter((one) => one.type === type);
/** The SDK registers resources in the order in which their inputs are known. */
const byPort = (all: readonly Registered[]) =>
    all.map(({ inputs }) => inputs).sort((a, b) => (a.port as number) - (b.port as number));
const names = (all: readonly Registered[]) => all.map(({ name }) => name);
const steps = (program: Pick<Program, "registered">, node: number) =>
    ofType(program, "command:remote:Command").filter(({ name }) => name.startsWith(`linkmesh-node-${node}-`));

const ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment";
const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

test("users cannot set it yet", () => {
    several.supported = false;
    expect(problems({ ...GOOD, ...TIER_VALUES })).toEqual([
        "nodes: several machines are not supported yet. Set it to 1.",
    ]);
    several.supported = true;
});

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
        for (const { inputs, deleteBeforeReplace, replaceOnChanges } of instances) {
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

const ended = (pem: string) => `${pem}\n`;

/** The URN by which the SDK names a dependency. */
function dependency({ registered }: Program, name: string): string {
    const urns = registered.flatMap(({ dependsOn }) => dependsOn);
    return urns.find((urn) => urn.endsWith(`::${name}`)) ?? `nothing depends on ${name}`;
}

describe("load balancer", () => {
    test("has an address of each family in each zone, over all zones, and cannot be two", () => {
        const { inputs, deleteBeforeReplace } = three.named("linkmesh-lb-front");
        expect(inputs).toMatchObject({
            ...{ loadBalancerType: "network", internal: false, ipAddressType: "dualstack" },
            ...{ enableCrossZoneLoadBalancing: true, enableDeletionProtection: false },
            securityGroups: ["linkmesh-lb-security-group-id"],
        });
        const mappings = inputs.subnetMappings as Record<string, string>[];
        expect(mappings.map(({ subnetId, allocationId }) => [subnetId, allocationId])).toEqual([
            ["linkmesh-tier-network-subnet-id", "eipalloc-1"],
            ["linkmesh-tier-network-subnet-2-id", "eipalloc-2"],
            ["linkmesh-tier-network-subnet-3-id", "eipalloc-3"],
        ]);
        expect(mappings.map(({ ipv6Address }) => ipv6Address!.split(":").slice(0, 4).join(":"))).toEqual([
            ...["2001:db8:0:100", "2001:db8:0:101", "2001:db8:0:102"],
        ]);
        expect(deleteBeforeReplace).toBe(true);
    });

    test("ends TLS of https alone, with a policy and a certificate that is validated", () => {
        const listeners = byPort(ofType(three, "aws:lb/listener:Listener"));
        expect(listeners.map(({ port, protocol }) => `${port as number} ${protocol as string}`)).toEqual([
            ...["80 TCP", "443 TLS", "50051 TCP"],
        ]);
        const [http, https, grpc] = listeners;
        expect(https).toMatchObject({
            sslPolicy: "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
            certificateArn: "arn:aws:acm:here:000000000000:certificate/linkmesh-certificate-issued",
        });
        expect([https!.alpnPolicy, https!.tcpIdleTimeoutSeconds]).toEqual([undefined, undefined]);
        expect([http!.sslPolicy, grpc!.sslPolicy, grpc!.tcpIdleTimeoutSeconds]).toEqual([undefined, undefined, 6000]);
    });

    test("sends a PROXY header to every port, and asks the health URL of https", () => {
        const groups = byPort(ofType(three, "aws:lb/targetGroup:TargetGroup"));
        expect(groups.map(({ port, protocol }) => `${port as number} ${protocol as string}`)).toEqual([
            ...["80 TCP", "443 TLS", "50051 TCP"],
        ]);
        for (const group of groups) {
            expect(group).toMatchObject({
                ...{ targetType: "instance", preserveClientIp: "false", proxyProtocolV2: true },
                ...{ deregistrationDelay: 30, connectionTermination: true },
                healthCheck: {
                    ...{ protocol: "HTTPS", port: "443", path: "/.well-known/linkmesh-proxy/health", matcher: "200" },
                    ...{ interval: 10, healthyThreshold: 2, unhealthyThreshold: 2 },
                },
            });
        }
    });

    test("clients reach it alone: the nodes let in the load balancer, and SSH as before", () => {
        const rules = (group: string) =>
            ofType(three, RULE)
                .filter(({ inputs }) => inputs.securityGroupId === group && inputs.ipProtocol === "tcp")
                .map(({ inputs }) => {
                    const source = inputs.referencedSecurityGroupId ?? inputs.cidrIpv4 ?? inputs.cidrIpv6;
                    return `${inputs.fromPort as number} ${source as string}`;
                })
                .sort();
        const front = "linkmesh-lb-security-group-id";
        expect(rules(front)).toEqual([
            ...["443 0.0.0.0/0", "443 ::/0", "50051 0.0.0.0/0", "50051 ::/0", "80 0.0.0.0/0", "80 ::/0"],
        ]);
        expect(rules("linkmesh-nodes-security-group-id")).toEqual([
            ...["22 198.51.100.7/32", "22 2001:db8::/64", `443 ${front}`, `50051 ${front}`, `80 ${front}`],
        ]);
    });

    test("protect keeps it and its addresses", async () => {
        const kept = await run({ protect: "true" });
        expect(kept.named("linkmesh-lb-front").inputs.enableDeletionProtection).toBe(true);
        expect(names(kept.registered.filter(({ protect }) => protect)).sort()).toEqual([
            ...[1, 2, 3].map((zone) => `linkmesh-lb-addresses-${zone}`),
            ...["linkmesh-lb-front", "linkmesh-setting-protect"],
        ]);
        const { dependsOn } = kept.named("linkmesh-setting-protect");
        expect(dependsOn.some((urn) => urn.endsWith("::linkmesh-node-3-in-service"))).toBe(true);
    });
});

describe("records and certificate", () => {
    test("the names have all addresses of the load balancer, and Certificate Manager its record", () => {
        const record = (name: string) => three.named(`linkmesh-${name}`).inputs;
        expect(record("dns-linkmesh.example.com-a").records).toEqual(["198.51.100.1", "198.51.100.2", "198.51.100.3"]);
        expect(record("dns-linkmesh.example.com-aaaa").records).toHaveLength(3);
        expect(record("certificate-linkmesh.example.com")).toMatchObject({
            ...{ name: "_x.linkmesh.example.com", type: "CNAME", zoneId: "Z1" },
            records: ["_y.linkmesh.example.com.acm-validations.aws."],
        });
        expect(three.named("linkmesh-certificate-validation").dependsOn).toContain(
            dependency(three, "linkmesh-certificate-linkmesh.example.com"),
        );
    });

    test("one certificate for both https names, and one record for a wildcard and the name below it", async () => {
        const ui = await run({ uiDomain: "ui.example.com" });
        expect(ui.named("linkmesh-certificate-issued").inputs).toMatchObject({
            ...{ domainName: "linkmesh.example.com", validationMethod: "DNS" },
            subjectAlternativeNames: ["ui.example.com"],
        });
        const wildcard = await run({ certificateNames: '["*.example.com","example.com"]' });
        const made = names(wildcard.registered).filter((name) => name.startsWith("linkmesh-certificate-"));
        expect(made).toEqual([
            ...["linkmesh-certificate-issued", "linkmesh-certificate-example.com", "linkmesh-certificate-validation"],
        ]);
    });

    test("dns=external: no record is made, and all are listed with those of Certificate Manager", async () => {
        const { registered, outputs } = await run({ domain: "linkmesh.elsewhere.org", dns: "external" });
        expect(registered.filter(({ type }) => type === "aws:route53/record:Record")).toEqual([]);
        const listed = (await valueOf(outputs.dnsRecords)) as { name: string; type: string }[];
        expect(listed.map(({ type }) => type)).toEqual([...["A", "A", "A", "AAAA", "AAAA", "AAAA", "CNAME"]]);
        expect(listed.at(-1)!.name).toBe("_x.linkmesh.elsewhere.org");
    });

    test("an own certificate is imported with its chain and a secret key, and nothing is validated", async () => {
        const ca = await TestCa.create("CN=own");
        const { cert, key } = await ca.issue(["linkmesh.example.com"]);
        const own = await runProgram(
            { ...CONFIG, ...TIER, tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key },
            { secretKeys: ["tlsPrivateKey"] },
        );
        const { inputs } = own.named("linkmesh-certificate-own");
        expect([inputs.certificateBody, inputs.certificateChain]).toEqual([cert.trim(), ca.pem.trim()].map(ended));
        expect(isSecret(inputs.privateKey)).toBe(true);
        expect(own.named("linkmesh-lb-https-listener").inputs.certificateArn).toBe(
            "arn:aws:acm:here:000000000000:certificate/linkmesh-certificate-own",
        );
        const others = own.registered.filter(({ name }) => name !== "linkmesh-certificate-own");
        expect(JSON.stringify(others).includes("BEGIN PRIVATE KEY")).toBe(false);
        expect(names(others).filter((name) => name.includes("-certificate-"))).toEqual([]);
        expect(own.outputs.certificateSource).toBe("own");
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

test("a name that is too long for AWS's load balancers is refused", async () => {
    const settings = parseSettings({ ...GOOD, ...TIER_VALUES });
    await expect(lookUp("linkmesh-in-ohio", settings)).rejects.toThrow(
        "nodes: the name linkmesh-in-ohio is too long for the load balancer of several nodes, whose parts are named after it. Give the LinkMesh a name of at most 15 characters.",
    );
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
