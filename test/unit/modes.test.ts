import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { TestCa } from "../host/test-ca.ts";
import { BASTION } from "./keys.ts";
import { ARM_PACKAGE } from "./refused-lookups.ts";
import { checkConnection } from "../../lab/providers/command/connection.ts";
import { CONFIG, isSecret, reveal, runProgram, type Registered, valueOf } from "./program.ts";

const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const RECORD = "aws:route53/record:Record";

/** "80 0.0.0.0/0" for each rule that lets TCP in. */
const tcp = (all: Registered[]) =>
    all
        .filter(({ type, inputs }) => type === RULE && inputs.ipProtocol === "tcp")
        .map(({ inputs }) => `${inputs.fromPort as number} ${(inputs.cidrIpv4 ?? inputs.cidrIpv6) as string}`)
        .filter((rule) => !rule.startsWith("22 "));
const records = (all: Registered[]) =>
    all
        .filter(({ type }) => type === RECORD)
        .map(({ inputs }) => `${inputs.name as string} ${inputs.type as string}`)
        .sort();
const steps = (all: Registered[]) =>
    all.filter(({ type }) => type === "command:remote:Command").map(({ name }) => name);
const text = (one: Registered) => reveal<string>(one.inputs.stdin);

test("gRPC by name: only port 443, its own records, endpoint and name in LinkMesh's certificate", async () => {
    const { registered, outputs, named } = await runProgram({ ...CONFIG, grpcDomain: "grpc.example.com" });
    expect(tcp(registered)).toEqual(["80 0.0.0.0/0", "80 ::/0", "443 0.0.0.0/0", "443 ::/0"]);
    expect(records(registered)).toEqual([
        ...["grpc.example.com A", "grpc.example.com AAAA"],
        ...["linkmesh.example.com A", "linkmesh.example.com AAAA"],
    ]);
    expect(outputs.grpcEndpoint).toBe("grpc.example.com:443");
    expect(text(named("linkmesh-config"))).toContain("externalUrl: grpc.example.com:443");
    expect(text(named("linkmesh-grpc-certificate"))).toContain("NAME='grpc.example.com'");
    expect(text(named("linkmesh-certificate"))).toContain("NAMES='linkmesh.example.com'");
});

test("gRPC off: no port, no name, no step", async () => {
    const { registered, outputs, named } = await runProgram({ ...CONFIG, grpc: "false" });
    expect(tcp(registered).some((rule) => rule.startsWith("50051"))).toBe(false);
    expect(outputs.grpcEndpoint).toBeUndefined();
    expect(steps(registered)).not.toContain("linkmesh-grpc-certificate");
    expect(text(named("linkmesh-config"))).not.toMatch(/externalUrl: linkmesh/);
    expect(text(named("linkmesh-proxy"))).not.toContain("listen 50051");
});

test("a UI name: one certificate for both names, HTTP/2 for the one", async () => {
    const { outputs, named } = await runProgram({ ...CONFIG, uiDomain: "ui.example.com" });
    expect(outputs).toMatchObject({ publicUrl: "https://linkmesh.example.com", uiUrl: "https://ui.example.com" });
    expect(text(named("linkmesh-certificate"))).toContain("NAMES='linkmesh.example.com\nui.example.com'");
    expect(text(named("linkmesh-proxy")).match(/http2 on;/g)).toHaveLength(1);
});

test.each([
    // An account's default may be standard.
    [{}, undefined],
    [{ cpuCredits: "unlimited" }, { cpuCredits: "unlimited" }],
    [{ cpuCredits: "standard" }, { cpuCredits: "standard" }],
    // AWS refuses credits for a type that is not burstable.
    [{ cpuCredits: "standard", instanceType: "m7i.large" }, undefined],
])("CPU credits with %j", async (settings, wanted) => {
    const { named } = await runProgram({ ...CONFIG, ...settings });
    expect(named("linkmesh-machine-instance").inputs.creditSpecification).toEqual(wanted);
});

describe("DNS-01", () => {
    test("the machine's role may change the challenges of these names in this zone, and nothing else", async () => {
        const { named } = await runProgram({
            ...CONFIG,
            acmeChallenge: "dns-01",
            certificateNames: '["*.example.com"]',
        });
        const { Statement } = JSON.parse(named("linkmesh-instance-policy").inputs.policy as string) as {
            Statement: { Action: string; Resource: string; Condition?: Record<string, Record<string, unknown>> }[];
        };
        expect(Statement.map(({ Action, Resource }) => `${Action} ${Resource}`)).toEqual([
            "route53:ListHostedZones *",
            "route53:GetChange arn:aws:route53:::change/*",
            "route53:ChangeResourceRecordSets arn:aws:route53:::hostedzone/Z1",
        ]);
        const condition = Statement[2]!.Condition!;
        expect(condition["ForAllValues:StringEquals"]).toEqual({
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.example.com"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
        });
        expect(Object.values(condition.Null!)).toEqual(["false", "false", "false"]);
    });

    test.each(["http-01", "dns-01"])(
        "the machine has the role with %s, and only the policy is added and removed",
        async (way) => {
            const { registered, named } = await runProgram({ ...CONFIG, acmeChallenge: way });
            const profile = named("linkmesh-instance-profile").inputs;
            expect(profile.role).toBe("generated-linkmesh-instance-role");
            expect(named("linkmesh-machine-instance").inputs.iamInstanceProfile).toBe(
                "generated-linkmesh-instance-profile",
            );
            const policies = registered.filter(({ type }) => type === "aws:iam/rolePolicy:RolePolicy");
            expect(policies.map(({ name }) => name)).toEqual(way === "dns-01" ? ["linkmesh-instance-policy"] : []);
        },
    );

    test("a stack with the role for dns-01 keeps the same role", async () => {
        const { named } = await runProgram({ ...CONFIG, acmeChallenge: "dns-01" });
        expect(named("linkmesh-instance").aliases).toEqual([
            { name: "linkmesh-challenge", type: "linkmesh-proxy:index:ChallengeRights" },
        ]);
    });

    test("port 80 can be closed", async () => {
        const { registered, outputs } = await runProgram({ ...CONFIG, acmeChallenge: "dns-01", httpRedirect: "false" });
        expect(tcp(registered).some((rule) => rule.startsWith("80 "))).toBe(false);
        expect(outputs.httpUrl).toBeUndefined();
    });
});

describe("your own certificate", () => {
    let program: Awaited<ReturnType<typeof runProgram>>;
    beforeAll(async () => {
        const ca = await TestCa.create("CN=own");
        const { cert, key } = await ca.issue(["linkmesh.example.com"]);
        program = await runProgram(
            { ...CONFIG, tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key },
            { secretKeys: ["tlsPrivateKey"] },
        );
    });

    test("goes to the machine in secret text, and no authority is contacted", () => {
        expect(steps(program.registered)).not.toContain("linkmesh-certificate");
        const step = program.named("linkmesh-own-certificate");
        expect(isSecret(step.inputs.stdin)).toBe(true);
        expect(step.inputs.logging).toBe("none");
        expect(text(program.named("linkmesh-proxy"))).toContain("/etc/linkmesh-proxy/tls/current/fullchain.pem");
        expect(text(program.named("linkmesh-nginx"))).not.toContain("certbot");
        expect(program.outputs.certificateSource).toBe("own");
    });

    test("the key is nowhere else", () => {
        const others = program.registered.filter(({ name }) => name !== "linkmesh-own-certificate");
        expect(JSON.stringify(others)).not.toContain("BEGIN PRIVATE KEY");
    });
});

test("the key of an external account binding is only in secret text", async () => {
    const { registered, named } = await runProgram(
        {
            ...CONFIG,
            acmeDirectory: "https://acme.example.com/dir",
            acmeEabKeyId: "kid-1",
            acmeEabHmacKey: "aGVsbG8td29ybGQ",
        },
        { secretKeys: ["acmeEabHmacKey"] },
    );
    expect(isSecret(named("linkmesh-certificate").inputs.stdin)).toBe(true);
    const others = registered.filter(({ name }) => name !== "linkmesh-certificate");
    expect(JSON.stringify(others)).not.toContain("aGVsbG8td29ybGQ");
});

describe("DNS elsewhere", () => {
    test("no zone is looked up and no record is made, but the program lists the records", async () => {
        const { registered, outputs, named } = await runProgram({
            ...CONFIG,
            domain: "linkmesh.elsewhere.org",
            dns: "external",
            caaIssuer: "letsencrypt.org",
        });
        expect(records(registered)).toEqual([]);
        const lines = [
            "linkmesh.elsewhere.org A 203.0.113.10",
            "linkmesh.elsewhere.org AAAA 2001:db8:0:100::10",
            'linkmesh.elsewhere.org CAA 0 issue "letsencrypt.org"',
            'linkmesh.elsewhere.org CAA 0 issuewild ";"',
        ];
        expect(text(named("linkmesh-reachable"))).toContain(lines.join("\n"));
        const told = (await valueOf(outputs.dnsRecords)) as { type: string }[];
        expect(told.map(({ type }) => type)).toEqual(["A", "AAAA", "CAA", "CAA"]);
    });
});

test("CAA records for the https names, narrowed to an account with a warning", async () => {
    const { named } = await runProgram({
        ...CONFIG,
        caaIssuer: "letsencrypt.org",
        caaAccountUri: "https://acme-v02.api.letsencrypt.org/acme/acct/1",
    });
    expect(named("linkmesh-dns-linkmesh.example.com-caa").inputs.records).toEqual([
        '0 issue "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1"',
        '0 issuewild ";"',
    ]);
});

test("a subnet without IPv6: no address, record, rule or listener of that family", async () => {
    const grpcAllowedCidrs = '["198.51.100.0/24","2001:db8::/32"]';
    const { registered, outputs, named } = await runProgram({ ...CONFIG, subnetId: "subnet-0004", grpcAllowedCidrs });
    expect(named("linkmesh-machine-interface").inputs.ipv6AddressCount).toBeUndefined();
    expect(records(registered)).toEqual(["linkmesh.example.com A"]);
    expect(tcp(registered)).toEqual(["80 0.0.0.0/0", "443 0.0.0.0/0", "50051 198.51.100.0/24"]);
    expect(outputs.ipv6).toBeUndefined();
    expect(text(named("linkmesh-proxy"))).not.toContain("listen [::]");
});

test("a private network: no public address, and the names lead to the subnet's", async () => {
    const { registered, named } = await runProgram({
        ...CONFIG,
        subnetId: "subnet-0004",
        publicAddress: "false",
        acmeChallenge: "dns-01",
    });
    expect(registered.filter(({ type }) => type.startsWith("aws:ec2/eip"))).toEqual([]);
    expect(named("linkmesh-dns-linkmesh.example.com-a").inputs.records).toEqual(["10.77.0.9"]);
    expect(reveal<{ host: string }>(named("linkmesh-nginx").inputs.connection).host).toBe("10.77.0.9");
});

test("networks that may connect, one rule each; port 80 stays open while http-01 needs it", async () => {
    const some = {
        ...CONFIG,
        httpsAllowedCidrs: '["198.51.100.0/24","2001:db8::/32"]',
        grpcAllowedCidrs: '["10.0.0.0/8"]',
    };
    expect(tcp((await runProgram(some)).registered)).toEqual([
        ...["80 0.0.0.0/0", "80 ::/0", "443 198.51.100.0/24", "443 2001:db8::/32", "50051 10.0.0.0/8"],
    ]);
    const byDns = await runProgram({ ...some, acmeChallenge: "dns-01" });
    expect(tcp(byDns.registered).slice(0, 2)).toEqual(["80 198.51.100.0/24", "80 2001:db8::/32"]);
});

test("a network of all addresses is the world's own rule, under the same name", async () => {
    const names = async (config: Record<string, string>) =>
        (await runProgram({ ...CONFIG, ...config })).registered
            .filter(({ type, inputs }) => type === RULE && inputs.fromPort === 443)
            .map(({ name }) => name);
    expect(await names({ httpsAllowedCidrs: '["0.0.0.0/0","::/0"]' })).toEqual(await names({}));
    expect(await names({ httpsAllowedCidrs: '["0.0.0.0/0"]' })).toEqual((await names({})).slice(0, 1));
});

test("the machine and its network stay where the data volume is", async () => {
    const { named } = await runProgram(CONFIG, { volumeZone: "eu-central-1c" });
    expect(named("linkmesh-network-subnet").inputs.availabilityZone).toBe("eu-central-1c");
    expect((await runProgram(CONFIG)).named("linkmesh-network-subnet").inputs.availabilityZone).toBe("eu-central-1a");
});

test("the program names Route 53's name servers if a private zone hides them", async () => {
    const { named } = await runProgram(CONFIG);
    expect(text(named("linkmesh-reachable"))).toContain("NAME_SERVERS='ns-1.awsdns-01.org\nns-2.awsdns-02.com'");
});

test("a CAA record at the zone's own name causes a warning that it counts for all names below it", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    await runProgram({ ...CONFIG, domain: "example.com", caaIssuer: "letsencrypt.org" });
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
        expect.stringMatching(/^caaIssuer: example\.com is the zone itself/),
    ]);
    warn.mockRestore();
});

test("a bastion: every step goes through it, its host key pinned and its private key secret", async () => {
    const { registered } = await runProgram({ ...CONFIG, ...BASTION }, { secretKeys: ["bastionPrivateKey"] });
    const commands = registered.filter(({ type }) => type === "command:remote:Command");
    for (const command of commands) {
        expect(isSecret(command.inputs.connection)).toBe(true);
        expect(reveal(command.inputs.connection)).toMatchObject({
            proxy: {
                ...{ host: "bastion.example.com", user: "admin" },
                hostKey: BASTION.bastionHostKey,
                privateKey: BASTION.bastionPrivateKey,
                ...{ perDialTimeout: 15, dialErrorLimit: 3 },
            },
        });
        // The real provider prints the whole connection if it has an unknown property.
        expect(checkConnection(reveal(command.inputs.connection))).toEqual([]);
    }
    expect(commands.map(({ createTimeout }) => createTimeout)).toEqual(
        commands.map(({ name }) => (name === "linkmesh-ready" ? "360s" : "120s")),
    );
});

test.each([
    ["bastion.example.com", "ssh -i linkmesh-proxy.key -J admin@bastion.example.com admin@203.0.113.10"],
    ["2001:db8::7", "ssh -i linkmesh-proxy.key -J admin@[2001:db8::7] admin@203.0.113.10"],
])("sshCommand goes through the bastion %s", async (bastionHost, command) => {
    const { outputs } = await runProgram({ ...CONFIG, ...BASTION, bastionHost }, { secretKeys: ["bastionPrivateKey"] });
    expect(await valueOf(outputs.sshCommand)).toBe(command);
});

test.each([
    ["debian-13", "t3.small", "debian-13-amd64-*", "admin"],
    ["debian-12", "t4g.small", "debian-12-arm64-*", "admin"],
    ["ubuntu-24.04", "t4g.small", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-*", "ubuntu"],
])("the image of %s for %s is %s, its login %s", async (operatingSystem, instanceType, name, user) => {
    const ofType = instanceType.startsWith("t4g") ? ARM_PACKAGE : {};
    const { named, asked } = await runProgram({ ...CONFIG, ...ofType, operatingSystem, instanceType });
    expect(asked("aws:ec2/getAmi:getAmi")).toMatchObject([{ filters: [{ values: [name] }, {}] }]);
    expect(reveal(named("linkmesh-ready").inputs.connection)).toMatchObject({ user });
    expect(named("linkmesh-machine-instance").replacementTrigger).toBe(`linkmesh-machine-data-id ${operatingSystem}`);
});
