import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { checkSubnetZone } from "../../components/cloud/lookups/availability-zone.ts";
import { CONFIG, runProgram } from "./program.ts";
import { certificateNames } from "./refused-lookups.ts";
import { TIER } from "./tier-settings.ts";

const refusal = (run: Promise<unknown>) =>
    run.then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
    );

describe("a look-up that fails", () => {
    test.each<[refused: string, begins: string, config?: Record<string, string>]>([
        ["getZones", "hostedZone: the hosted zones cannot be looked up: "],
        ["getZone", "hostedZone: looking up example.com in Route 53 failed: "],
        ["getInstanceType", "instanceType: t3.small cannot be looked up: "],
        ["getInstanceTypeOfferings", "instanceType: t3.small cannot be looked up: "],
        ["getAvailabilityZones", "availabilityZone: the region's availability zones cannot be looked up: "],
        ["getAmi", "imageId: the newest image of Debian 13, debian-13-amd64-*, cannot be looked up"],
        ["getAmi", "imageId: ami-0pinned cannot be used in this region: ", { imageId: "ami-0pinned" }],
        ["getSubnet", "subnetId: subnet-0aaaa cannot be used: ", { subnetId: "subnet-0aaaa" }],
        ["getEbsVolumes", "the stack's data volume cannot be looked up: "],
        ["getVolume", "the stack's data volume vol-0existing cannot be looked up: "],
        ["getSnapshotIds", "restoreFrom: latest cannot be looked up: ", { restoreFrom: "latest" }],
        ["getSnapshot", "restoreFrom: latest cannot be looked up: ", { restoreFrom: "latest" }],
        ["getPartition", "AWS does not answer: "],
    ])("%s: one sentence with the setting and the reason", async (refused, begins, config) => {
        const sentence = await refusal(runProgram({ ...CONFIG, ...config }, { refused, volumeZone: "eu-central-1a" }));
        expect(sentence.slice(0, begins.length)).toBe(begins);
        expect(sentence).toMatch(/UnauthorizedOperation: You are not authorized[^\n]*\.$/);
    });

    test("addresses are looked up only for a warning", async () => {
        expect(await refusal(runProgram(CONFIG, { refused: "getEips" }))).toBe("nothing");
    });
});

describe("several volumes with the stack's tag", () => {
    const volumes = (...attached: boolean[]) =>
        attached.map((one, i) => ({ id: `vol-${i}`, availabilityZone: `eu-central-1${"abc"[i]}`, attached: one }));

    test.each([[[true, false, false]], [[false, true, false]]])(
        "the attached one is the stack's, and the others are named: %j",
        async (attached) => {
            const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
            warn.mockClear();
            const { named } = await runProgram(CONFIG, { volumes: volumes(...attached) });
            const own = attached.indexOf(true);
            expect(named("linkmesh-machine-data").inputs.availabilityZone).toBe(`eu-central-1${"abc"[own]}`);
            const others = ["vol-0", "vol-1", "vol-2"].filter((id) => id !== `vol-${own}`).join(" and ");
            expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
                expect.stringContaining(
                    `${others} carry the tag linkmesh-proxy=linkmesh-proxy/test/linkmesh of the stack's data volume vol-${own}, too`,
                ),
            ]);
        },
    );

    test("the one with the domain is the stack's, whichever is attached", async () => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        const [first, second, third] = volumes(true, true, false);
        const tags = (domain: string) => ({ "linkmesh-proxy-domain": domain });
        const all = [
            { ...first!, tags: tags("other.example.com") },
            { ...second!, tags: tags("linkmesh.example.com") },
            { ...third!, tags: tags("linkmesh.example.com") },
        ];
        const { named } = await runProgram(CONFIG, { volumes: all });
        expect(named("linkmesh-machine-data").inputs.availabilityZone).toBe("eu-central-1b");
        expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
            expect.stringContaining("vol-0 (other.example.com) and vol-2 (linkmesh.example.com) carry the tag"),
        ]);
    });

    test("if none is attached, the update goes on and names them: a paused stack, a failed replacement", async () => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        const config = { ...CONFIG, subnetId: "subnet-0aaaa", dataVolumeSize: "8" };
        const { named } = await runProgram(config, { volumes: volumes(false, false) });
        expect(named("linkmesh-machine-data")).toBeDefined();
        expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
            expect.stringMatching(/^vol-0 and vol-1 all carry the tag linkmesh-proxy=.*none is attached.*leftovers/),
        ]);
    });

    test("if more than one is attached, none is used", async () => {
        const [first, second] = volumes(true, true);
        const sentence = await refusal(runProgram(CONFIG, { volumes: [second!, first!] }));
        expect(sentence).toMatch(/^the volumes vol-0 and vol-1 all carry the tag linkmesh-proxy=[^\n]*\.$/);
        expect(sentence).toContain("more than one is attached to a machine");
        expect(sentence).toContain("Remove the tag from all but the one that `pulumi stack --show-ids` shows");
    });
});

describe("a stack of the same project and name elsewhere", () => {
    const OTHER = { "linkmesh-proxy-domain": "other.example.com" };
    const volumeOf = (tags: Record<string, string>) => [
        { id: "vol-0", availabilityZone: "eu-central-1c", attached: true, tags },
    ];
    const warnings = async (volumes: ReturnType<typeof volumeOf>, config = {}) => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        await runProgram({ ...CONFIG, ...config }, { volumes, latest: "snap-00dd" });
        return warn.mock.calls.map(([sentence]) => sentence);
    };

    test("is recognised by the domain of its volume before anything is created, like another domain of the same stack", async () => {
        expect(await warnings(volumeOf(OTHER))).toEqual([
            expect.stringMatching(
                /^domain: the data volume with this stack's tag, vol-0, belongs to other\.example\.com\. /,
            ),
        ]);
    });

    test("is not reported for the stack's own volume, nor for an older volume without the tag", async () => {
        expect(await warnings(volumeOf({ "linkmesh-proxy-domain": "linkmesh.example.com" }))).toEqual([]);
        expect(await warnings(volumeOf({}))).toEqual([]);
    });

    test("does not share its snapshots by restoreFrom=latest, but a snapshot named by its id is used", async () => {
        const restored = (restoreFrom: string) =>
            runProgram({ ...CONFIG, restoreFrom, dataVolumeSize: "20" }, { latest: "snap-00dd" });
        expect(await refusal(restored("latest"))).toMatch(
            /^restoreFrom: the newest snapshot with this stack's tag, snap-00dd, holds the data of other\.example\.com\. To/,
        );
        expect((await restored("snap-00dd")).named("linkmesh-machine-data").inputs.snapshotId).toBe("snap-00dd");
        // If there is a volume, nothing is restored: the setting may stay, and the domain may change.
        const config = { restoreFrom: "latest", dataVolumeSize: "20" };
        expect(await warnings(volumeOf({ "linkmesh-proxy-domain": "linkmesh.example.com" }), config)).toEqual([]);
    });
});

describe("quotas", () => {
    /** This many IPv4 networks, and the two of CONFIG for SSH. */
    const networks = (count: number, offset: number) =>
        JSON.stringify(Array.from({ length: count }, (_, i) => `198.18.${offset + i}.0/24`));
    const lists = (https: number, grpc: number) => ({
        ...CONFIG,
        httpsAllowedCidrs: networks(https, 0),
        grpcAllowedCidrs: networks(grpc, 100),
    });
    const said = async (config: Record<string, string>, options: object) => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        const program = await runProgram(config, options);
        const ipv4 = program.registered.filter(
            ({ type, inputs }) => type.endsWith("SecurityGroupIngressRule") && inputs.cidrIpv4 !== undefined,
        ).length;
        return { ...program, ipv4, warnings: warn.mock.calls.map(([sentence]) => sentence) };
    };
    /** Without it there is a warning. */
    const secret = { secretKeys: ["linkmeshEnvironment"] };
    const QUOTA = "aws:servicequotas/getServiceQuota:getServiceQuota";

    test("60 rules of a family are made without a lookup, one more is refused with its number", async () => {
        // Port 80 for the world, port 22 for one network, path MTU discovery.
        const fits = await said(lists(30, 27), {});
        expect(fits.ipv4).toBe(60);
        expect(fits.asked(QUOTA)).toEqual([]);
        expect(await refusal(runProgram(lists(31, 31)))).toBe(
            'sshAllowedCidrs, httpsAllowedCidrs and grpcAllowedCidrs need 65 rules of one family in the security group, but the account\'s quota "Inbound or outbound rules per security group" is 60. Name fewer, larger networks, or ask AWS to raise the quota.',
        );
    });

    test("a raised quota counts, and one that cannot be read causes only a warning", async () => {
        const raised = await said(lists(31, 31), { quota: 65 });
        expect([raised.ipv4, raised.warnings]).toEqual([65, []]);
        const unread = await said(lists(31, 31), { refused: "getServiceQuota" });
        expect(unread.ipv4).toBe(65);
        expect(unread.warnings).toEqual([
            expect.stringMatching(
                /^sshAllowedCidrs, .* need 65 rules .* default .* is 60, and .* UnauthorizedOperation/,
            ),
        ]);
    });

    test("11 names of a certificate are taken with a raised quota, and with a warning if it cannot be read; one machine's have no quota", async () => {
        const eleven = { certificateNames: JSON.stringify(certificateNames(11)) };
        const raised = await said({ ...CONFIG, ...TIER, ...eleven }, { ...secret, quota: 11 });
        expect([raised.asked(QUOTA).length, raised.warnings]).toEqual([1, []]);
        const unread = await said({ ...CONFIG, ...TIER, ...eleven }, { ...secret, refused: "getServiceQuota" });
        expect(unread.warnings).toEqual([
            expect.stringMatching(/^certificateNames holds 11 names, but AWS's default .* is 10, and .* Name fewer, /),
        ]);
        const one = await said({ ...CONFIG, ...eleven, acmeChallenge: "dns-01" }, {});
        expect(one.asked(QUOTA)).toEqual([]);
    });

    test("several nodes: the rules of each group count by themselves", async () => {
        // Port 80 has the networks of https. The rule for SSH is in the other group.
        const { registered } = await said({ ...lists(20, 19), ...TIER }, secret);
        const rules = registered.filter(
            ({ type, inputs }) => type.endsWith("SecurityGroupIngressRule") && inputs.cidrIpv6 === undefined,
        );
        const groups = rules.map(({ inputs }) => inputs.securityGroupId as string);
        const count = (group: string) => groups.filter((one) => one === group).length;
        expect([count("linkmesh-lb-security-group-id"), count("linkmesh-nodes-security-group-id")]).toEqual([60, 5]);
        // Each port has a rule for the load balancer's group.
        const ssh = { ...CONFIG, ...TIER, sshAllowedCidrs: networks(57, 0) };
        expect(await refusal(runProgram(ssh))).toMatch(/ need 61 rules of one family in the security group, /);
    });

    test.each<[what: string, options: object, sentence?: RegExp]>([
        ["there is room for two of three", { addresses: 3 }, /^nodes: the load balancer needs 3 more .* 3 Elastic IP/],
        ["there is room for all", { addresses: 2 }],
        ["it has its own already", { addresses: 5, balancerAddresses: 3 }],
        ["one of its own is missing", { addresses: 5, balancerAddresses: 2 }, /needs 1 more .* release one or ask/],
        ["the quota was raised", { addresses: 5, quota: 8 }],
        ["they cannot be listed", { addresses: 5, refused: "getEips" }],
    ])("several nodes' addresses, when %s", async (_, options, sentence) => {
        const { warnings } = await said({ ...CONFIG, ...TIER }, { ...secret, ...options });
        expect(warnings).toEqual(sentence ? [expect.stringMatching(sentence)] : []);
    });

    test.each<[what: string, options: object, warned: boolean]>([
        ["the last address is used", { addresses: 5 }, true],
        ["the last address is used, and the quota cannot be read", { addresses: 5, refused: "getServiceQuota" }, true],
        ["one is left", { addresses: 4 }, false],
        ["the quota was raised", { addresses: 5, quota: 6 }, false],
        ["the stack has its own already", { addresses: 5, volumeZone: "eu-central-1a" }, false],
    ])("addresses, when %s", async (_, options, warned) => {
        const { warnings } = await said(CONFIG, options);
        const sentence = expect.stringMatching(
            /^publicAddress: the account has 5 Elastic IP addresses .*\.$/,
        ) as string;
        expect(warnings).toEqual(warned ? [sentence] : []);
    });
});

describe("the availability zone", () => {
    const zoneOf = async (config: Record<string, string>, volumeZone = "") => {
        const { named } = await runProgram({ ...CONFIG, ...config }, { volumeZone });
        const [subnet, volume] = ["linkmesh-network-subnet", "linkmesh-machine-data"].map((name) => named(name).inputs);
        expect(volume!.availabilityZone).toBe(subnet!.availabilityZone);
        return volume!.availabilityZone;
    };

    test("is the first of the region that offers the type, and no Local Zone", async () => {
        expect(await zoneOf({})).toBe("eu-central-1a");
        expect(await zoneOf({ instanceType: "m7i.large" })).toBe("eu-central-1b");
    });

    test("is the one that is set, also if the data volume is in it", async () => {
        expect(await zoneOf({ availabilityZone: " EU-central-1c" })).toBe("eu-central-1c");
        expect(await zoneOf({ availabilityZone: "eu-central-1c" }, "eu-central-1c")).toBe("eu-central-1c");
    });

    test("is that of a subnet that was made before there was a data volume", () => {
        expect(checkSubnetZone("eu-central-1a", { availabilityZone: "" })).toBe("eu-central-1a");
        expect(checkSubnetZone("eu-central-1a", { availabilityZone: "eu-central-1a" })).toBe("eu-central-1a");
        expect(() => checkSubnetZone("eu-central-1a", { availabilityZone: "eu-central-1b" })).toThrow(
            "availabilityZone is eu-central-1b, but the stack's subnet is in eu-central-1a and cannot move. ",
        );
    });
});
