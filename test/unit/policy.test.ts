import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { LISTENERS } from "../../components/listeners.ts";
import { POLICIES } from "../../policy/policies.ts";
import { TAGGED_TYPES } from "../../policy/rules/tags.ts";
import { TestCa } from "../host/test-ca.ts";
import { BASTION } from "./keys.ts";
import { violations } from "./policy-violations.ts";
import { CONFIG, runProgram } from "./program.ts";
import { PublishedTypes } from "./published-types.ts";
import { ARM_PACKAGE } from "./refused-lookups.ts";
import { TIER } from "./tier-settings.ts";

const TAGS = { "tags-present": { required: ["team"] } };
const production = { acmeDirectory: "production", protect: "true", dailySnapshots: "7" };
let own: Record<string, string>;

beforeAll(async () => {
    const ca = await TestCa.create("CN=own");
    const { cert, key } = await ca.issue(["linkmesh.example.com"]);
    own = { tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key };
});

describe("the program breaks no policy", () => {
    const narrow = { httpsAllowedCidrs: '["198.51.100.0/24"]', grpcAllowedCidrs: '["10.0.0.0/8"]' };
    const modes: Record<string, () => Record<string, string>> = {
        "the defaults": () => ({}),
        production: () => production,
        "production with a final snapshot": () => ({ ...production, dailySnapshots: "0", finalSnapshot: "true" }),
        "gRPC by name": () => ({ grpcDomain: "grpc.example.com" }),
        "gRPC off": () => ({ grpc: "false" }),
        "a UI name": () => ({ uiDomain: "ui.example.com" }),
        "DNS-01 without port 80": () => ({ acmeChallenge: "dns-01", httpRedirect: "false" }),
        "your own certificate": () => own,
        "external DNS": () => ({ domain: "linkmesh.elsewhere.org", dns: "external" }),
        "CAA records": () => ({ caaIssuer: "letsencrypt.org" }),
        "no IPv6": () => ({ subnetId: "subnet-0004" }),
        "a private network": () => ({ subnetId: "subnet-0004", publicAddress: "false", acmeChallenge: "dns-01" }),
        "a bastion": () => ({ ...BASTION, sshAllowedCidrs: '["10.0.0.0/8","fd00::/8"]' }),
        "allowed networks": () => narrow,
        "arm64 with Ubuntu": () => ({ ...ARM_PACKAGE, operatingSystem: "ubuntu-24.04", instanceType: "t4g.small" }),
        alarms: () => ({ alarms: '["platform@example.com"]' }),
        paused: () => ({ paused: "true" }),
        "several nodes": () => ({ ...TIER, protect: "true" }),
    };

    test.each(Object.keys(modes))("%s", async (mode) => {
        const config = { ...CONFIG, tags: '{"team":"platform"}', ...modes[mode]!() };
        const { registered } = await runProgram(config, { secretKeys: ["tlsPrivateKey", "bastionPrivateKey"] });
        expect(violations(registered, TAGS)).toEqual([]);
    });

    test("in a first preview, in which nothing is known that AWS decides", async () => {
        const { registered } = await runProgram({ ...CONFIG, ...production }, { preview: true });
        expect(violations(registered)).toEqual([]);
    });
});

describe("settings that break a policy, and the sentence about them", () => {
    const wide = (cidr: string, least: number) =>
        `ssh-not-open-to-the-world: ${cidr} may connect to port 22, which is more than a /${least}: name the networks from which you run pulumi in sshAllowedCidrs.`;
    test.each([
        [
            "SSH open to the world",
            { sshAllowedCidrs: '["0.0.0.0/0","::/0"]' },
            [wide("0.0.0.0/0", 8), wide("::/0", 20)],
        ],
        [
            "SSH open to halves of the world",
            { sshAllowedCidrs: '["0.0.0.0/1","128.0.0.0/1","2000::/3"]' },
            [wide("0.0.0.0/1", 8), wide("128.0.0.0/1", 8), wide("2000::/3", 20)],
        ],
        [
            "production without protect",
            { ...production, protect: "false" },
            ["production-protected: acmeDirectory is production, and a destroy deletes the data: set protect to true."],
        ],
        [
            "production, by its URL, without snapshots",
            {
                acmeDirectory: "https://acme-v02.api.letsencrypt.org/directory",
                protect: "true",
            },
            [
                "production-snapshots: acmeDirectory is production, and the data has no snapshots: set dailySnapshots, for example to 7, or finalSnapshot to true.",
            ],
        ],
    ])("%s", async (_, config, sentences) => {
        const { registered } = await runProgram({ ...CONFIG, ...config });
        expect(violations(registered)).toEqual(sentences);
    });

    test("everything that can be tagged lacks a tag, the root disk too", async () => {
        const one = await runProgram({ ...CONFIG, dailySnapshots: "7", alarms: "a@example.com" });
        const several = await runProgram({ ...CONFIG, ...TIER });
        const balancer = several.registered.filter(({ type }) => /^aws:(acm|lb)\//.test(type));
        const registered = [...one.registered, ...balancer];
        const published = new PublishedTypes("aws");
        const taggable = registered.filter(({ type }) => type.startsWith("aws:") && "tags" in published.args(type));
        const lacking = violations(registered, TAGS).map((sentence) => /^tags-present: (.*?) lacks/.exec(sentence)![1]);
        expect(lacking.filter((name) => name !== "The root disk of linkmesh-machine-instance")).toEqual(
            taggable.map(({ name }) => name),
        );
        expect(lacking).toContain("The root disk of linkmesh-machine-instance");
        expect([...new Set(taggable.map(({ type }) => type))].sort()).toEqual(TAGGED_TYPES);
        expect(violations(registered, TAGS)[0]).toMatch(/ lacks the tag team: add it to the setting tags\.$/);
    });

    test("a tag of the provider counts, in both of its forms", async () => {
        const { registered } = await runProgram(CONFIG);
        const machine = registered.filter(({ name }) => name === "linkmesh-machine-data");
        expect(violations(machine, TAGS)).toHaveLength(1);
        expect(violations(machine, TAGS, { defaultTags: { tags: { team: "a" } } })).toEqual([]);
        expect(violations(machine, TAGS, { defaultTags: '{"tags":{"team":"a"}}' })).toEqual([]);
    });

    test("an authority of your own counts as production if you say so", async () => {
        const acmeDirectory = "https://acme.example.com/dir";
        const { registered } = await runProgram({ ...CONFIG, acmeDirectory });
        expect(violations(registered)).toEqual([]);
        const config = { acmeDirectories: ["production", acmeDirectory] };
        const both = { "production-protected": config, "production-snapshots": config };
        expect(violations(registered, both)).toEqual([
            expect.stringContaining("set protect to true"),
            expect.stringContaining("set dailySnapshots"),
        ]);
    });
});

describe("production by its domain, which a stack without acmeDirectory has", () => {
    const config = { domains: ["linkmesh.example.com"] };
    const both = { "production-protected": config, "production-snapshots": config };
    const ofSettings = async (settings: Record<string, string>) => {
        const options = { secretKeys: ["tlsPrivateKey"] };
        return violations((await runProgram({ ...CONFIG, ...settings }, options)).registered, both);
    };

    test("several nodes need protect, and have no data for snapshots", async () => {
        expect(await ofSettings(TIER)).toEqual([
            "production-protected: linkmesh.example.com is a domain of production, and a destroy deletes the load balancer and its addresses: set protect to true.",
        ]);
        expect(await ofSettings({ ...TIER, protect: "true" })).toEqual([]);
    });

    test("one machine with a certificate of your own needs both", async () => {
        expect(await ofSettings(own)).toEqual([
            expect.stringMatching(/^production-protected: linkmesh\.example\.com is .* a destroy deletes the data: /),
            expect.stringMatching(
                /^production-snapshots: linkmesh\.example\.com is a domain of production, and the data /,
            ),
        ]);
    });

    test("another domain does not count", async () => {
        const domain = "linkmesh.staging.example.com";
        expect(await ofSettings({ ...TIER, domain })).toEqual([]);
    });
});

describe("resources of other programs, and transforms", () => {
    test("a program that uses LinkMesh is judged like this one", async () => {
        const program = "./linkmesh-program.ts";
        expect(violations((await runProgram(CONFIG, { program })).registered)).toEqual([]);
        const { registered } = await runProgram({ ...CONFIG, sshAllowedCidrs: '["0.0.0.0/0"]' }, { program });
        expect(violations(registered)).toEqual([expect.stringMatching(/^ssh-not-open-to-the-world: 0\.0\.0\.0\/0/)]);
    });

    const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    const group = (ingress: object) => ({
        type: "aws:ec2/securityGroup:SecurityGroup",
        inputs: { ingress: [ingress] },
    });
    const rule = (inputs: object) => ({ type: "aws:ec2/securityGroupRule:SecurityGroupRule", inputs: { ...inputs } });
    const internal = Object.values(LISTENERS).flatMap((row) => ("internalPort" in row ? [row.internalPort] : []));
    const open = (port: number) => ({ protocol: "tcp", fromPort: port, toPort: port, cidrBlocks: ["10.0.0.0/8"] });

    test("the internal ports are those of LinkMesh behind nginx", () => expect(internal).toEqual([8080, 50061]));

    test.each(internal)("port %i is closed to every network, in each form of a rule", (port) => {
        const listener = port === 8080 ? "https" : "grpc";
        const vpcRule = { ipProtocol: "tcp", fromPort: port - 1, toPort: port + 1, cidrIpv6: "2001:db8::/32" };
        const closed = (cidr: string) =>
            expect.stringMatching(
                new RegExp(
                    `^internal-ports-closed: ${cidr} may connect to port ${port}, .* in ${listener}AllowedCidrs`,
                ),
            ) as string;
        expect(
            violations([
                { type: RULE, inputs: vpcRule },
                group(open(port)),
                rule({ ...open(port), type: "ingress" }),
                rule({ ...open(port), type: "egress" }),
                { type: RULE, inputs: { ...vpcRule, ipProtocol: "udp" } },
                // Another group, such as a load balancer's, is no network.
                {
                    type: RULE,
                    inputs: { ipProtocol: "tcp", fromPort: port, toPort: port, referencedSecurityGroupId: "sg-1" },
                },
            ]),
        ).toEqual([closed("2001:db8::/32"), closed("10.0.0.0/8"), closed("10.0.0.0/8")]);
    });

    test("a prefix list counts as a network, in each form of a rule, unless the configuration names it for SSH", () => {
        const list = "pl-0123456789abcdef0";
        const all = [
            { type: RULE, inputs: { ipProtocol: "tcp", fromPort: 22, toPort: 22, prefixListId: list } },
            group({ protocol: "tcp", fromPort: 22, toPort: 8080, prefixListIds: [list] }),
            rule({ type: "ingress", protocol: "tcp", fromPort: 50061, toPort: 50061, prefixListIds: [list] }),
        ];
        const ssh: unknown = expect.stringMatching(
            `^ssh-not-open-to-the-world: ${list} may connect to port 22, and no policy sees .* sshAllowedCidrs`,
        );
        const internal = [8080, 50061].map((port): unknown =>
            expect.stringMatching(`^internal-ports-closed: ${list} may connect to port ${port}`),
        );
        expect(violations(all)).toEqual([ssh, ssh, ...internal]);
        expect(violations(all, { "ssh-not-open-to-the-world": { prefixLists: [list] } })).toEqual(internal);
    });

    test("a rule for all protocols opens all ports", () => {
        const all = violations([{ type: RULE, inputs: { ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" } }]);
        expect(all.map((sentence) => /port (\d+)/.exec(sentence)![1])).toEqual(["22", "8080", "50061"]);
        expect(violations([group({ ...open(0), protocol: "all" })])).toHaveLength(2);
    });

    test("a rule whose ports are not known could open any", () => {
        const all = violations([{ type: RULE, inputs: { ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" } }]);
        expect(all.map((sentence) => /port (\d+)/.exec(sentence)![1])).toEqual(["22", "8080", "50061"]);
    });

    test("how wide a network may be for SSH is yours to say", () => {
        const config = { "ssh-not-open-to-the-world": { shortestIpv4Prefix: 24, shortestIpv6Prefix: 48 } };
        const ssh = (cidrIpv4: string) => ({
            type: RULE,
            inputs: { ipProtocol: "6", fromPort: 22, toPort: 22, cidrIpv4 },
        });
        expect(violations([ssh("10.0.0.0/16")])).toEqual([]);
        expect(violations([ssh("10.0.0.0/16"), ssh("198.51.100.0/24")], config)).toHaveLength(1);
    });

    const INSTANCE = "aws:ec2/instance:Instance";
    const sound = { rootBlockDevice: { encrypted: true }, metadataOptions: { httpTokens: "required" } };
    const disk = (setting: string) => `disks-encrypted: A disk of it is not encrypted: set ${setting} to true.`;
    const token =
        'metadata-service-v2: The metadata service of it answers without a token: set metadataOptions.httpTokens to "required".';
    test.each([
        ["a sound instance", INSTANCE, sound, []],
        [
            "a root disk that is not encrypted",
            INSTANCE,
            { ...sound, rootBlockDevice: { encrypted: false } },
            [disk("rootBlockDevice.encrypted")],
        ],
        [
            "a root disk by default",
            INSTANCE,
            { ...sound, rootBlockDevice: undefined },
            [disk("rootBlockDevice.encrypted")],
        ],
        [
            "a further disk",
            INSTANCE,
            { ...sound, ebsBlockDevices: [{ encrypted: true }, {}] },
            [disk("ebsBlockDevices[1].encrypted")],
        ],
        ["a volume", "aws:ebs/volume:Volume", {}, [disk("encrypted")]],
        ["an encrypted volume", "aws:ebs/volume:Volume", { encrypted: true }, []],
        ["IMDSv1", INSTANCE, { ...sound, metadataOptions: { httpTokens: "optional" } }, [token]],
        ["a metadata service by default", INSTANCE, { ...sound, metadataOptions: undefined }, [token]],
        ["no metadata service", INSTANCE, { ...sound, metadataOptions: { httpEndpoint: "disabled" } }, []],
    ])("%s", (_, type, inputs, sentences) => {
        expect(violations([{ type, inputs }])).toEqual(sentences);
    });
});

test("docs/policy.md has a row for each policy, with its level and its configuration", () => {
    const page = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `([\w-]+)` \|.*$/gm)];
    expect(rows.map(([, name]) => name)).toEqual(POLICIES.map(({ name }) => name));
    for (const { name, configSchema = { properties: {} } } of POLICIES) {
        const row = rows.find((found) => found[1] === name)![0];
        for (const property of Object.keys(configSchema.properties)) expect(row).toContain(`\`${property}\``);
    }
    expect(POLICIES.filter(({ enforcementLevel }) => enforcementLevel !== "mandatory")).toEqual([]);
});
