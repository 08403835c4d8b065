import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { TestCa } from "../host/test-ca.ts";
import { CONFIG, isSecret, runProgram, valueOf } from "./program.ts";
import { byPort, dependency, names, ofType, run, type Program } from "./tier-program.ts";
import { TIER } from "./tier-settings.ts";

// What clients of several nodes meet: the load balancer, the names and the certificate.

const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

let three: Program;
beforeAll(async () => {
    three = await run();
});

const ended = (pem: string) => `${pem}\n`;

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

    test("is not set again in each update, and is another one for other zones or addresses", async () => {
        const front = ({ named }: Program) => named("linkmesh-lb-front");
        expect(front(three).ignoreChanges).toEqual(["subnetMappings", "subnets"]);
        const { replacementTrigger: before, inputs } = front(three);
        expect(JSON.parse(before as string)).toEqual(inputs.subnetMappings);
        const other = front(await run({ subnetIds: '["subnet-0a0a","subnet-0b0b"]' }));
        expect(JSON.parse(other.replacementTrigger as string)).toHaveLength(2);
    });

    test("a node is taken out for as long as the setting says", async () => {
        const changed = await run({ drainSeconds: "120" });
        for (const { inputs } of ofType(changed, "aws:lb/targetGroup:TargetGroup"))
            expect(inputs.deregistrationDelay).toBe(120);
        for (const step of ["node", "in-service"])
            expect(changed.named(`linkmesh-node-1-${step}`).inputs.stdin).toContain("DRAIN_SECONDS='120'");
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
                ...{ deregistrationDelay: 70, connectionTermination: true },
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
        // Certificate Manager imports no certificate of another kind into the same resource.
        const { fingerprint256 } = new X509Certificate(cert);
        expect(own.named("linkmesh-certificate-own").replacementTrigger).toBe(fingerprint256);
    });
});
