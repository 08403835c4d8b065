import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LOGIN_TAG, loginKeyName } from "../../components/cloud/login-key.ts";
import { LOGIN, OWN_LOGIN } from "./keys.ts";
import { CONFIG, reveal, runProgram, type Registered } from "./program.ts";

afterEach(() => vi.restoreAllMocks());

const COMMAND = "command:remote:Command";
const ofType = (all: Registered[], type: string) => all.filter((r) => r.type === type);

test("a pinned image and a brought key are honoured", async () => {
    const { registered, named, outputs } = await runProgram(
        { ...CONFIG, imageId: "ami-0pinned", ...OWN_LOGIN, sshPublicKey: `${OWN_LOGIN.sshPublicKey} me` },
        { secretKeys: ["sshPrivateKey"] },
    );
    expect(named("linkmesh-machine-instance").inputs.ami).toBe("ami-0pinned");
    expect(named("linkmesh-machine-instance").ignoreChanges).toEqual([]);
    expect(reveal(named("linkmesh-machine-instance").inputs.userData)).toContain(`${OWN_LOGIN.sshPublicKey} me`);
    expect(ofType(registered, "tls:index/privateKey:PrivateKey")).toHaveLength(1);
    for (const command of ofType(registered, COMMAND))
        expect(reveal(command.inputs.connection)).toMatchObject({ privateKey: OWN_LOGIN.sshPrivateKey });
    expect(outputs.sshPrivateKey).toBeUndefined();
});

test("an existing subnet is used instead of a new network", async () => {
    const { registered, named } = await runProgram({ ...CONFIG, subnetId: "subnet-0aaaa" });
    expect(ofType(registered, "aws:ec2/vpc:Vpc")).toEqual([]);
    expect(named("linkmesh-machine-interface").inputs.subnetId).toBe("subnet-0aaaa");
    expect(named("linkmesh-security-group").inputs.vpcId).toBe("vpc-0existing");
    expect(named("linkmesh-machine-data").inputs.availabilityZone).toBe("eu-central-1c");
});

test.each([
    ["whose default route leads to the internet gateway", "subnet-0aaaa", "", []],
    ["that reaches the internet gateway by other routes", "subnet-0b1d", "", []],
    ["whose way out is another one, such as a firewall", "subnet-0f1e", "", []],
    [
        "whose routes may not be read",
        "subnet-0000",
        "getRouteTables",
        [expect.stringMatching(/The lookup needs the right ec2:Describe/)],
    ],
])("a subnet %s counts as public", async (_, subnetId, refused, said) => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const { named } = await runProgram({ ...CONFIG, subnetId }, { refused });
    expect(named("linkmesh-machine-interface").inputs.subnetId).toBe(subnetId);
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual(said);
});

test("the routes of a private subnet are not looked up if no public address is needed", async () => {
    const { asked } = await runProgram({
        ...CONFIG,
        subnetId: "subnet-0000",
        publicAddress: "false",
        acmeDirectory: "https://acme.example.com/directory",
    });
    expect(asked("aws:ec2/getRouteTables:getRouteTables")).toEqual([]);
});

test("port 22 open to the whole internet causes a warning, other networks do not", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    await runProgram({ ...CONFIG, sshAllowedCidrs: '["198.51.100.7/32","::/0"]' });
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
        expect.stringMatching(/^sshAllowedCidrs: ::\/0 lets the whole internet try to log in/),
    ]);
});

test("protected: addresses and volume, and before all of them a leaf that a destroy meets first", async () => {
    const { registered, named } = await runProgram({ ...CONFIG, protect: "true" });
    expect(
        registered
            .filter((r) => r.protect)
            .map((r) => r.name)
            .sort(),
    ).toEqual([
        "linkmesh-machine-address",
        "linkmesh-machine-data",
        "linkmesh-machine-interface",
        "linkmesh-setting-protect",
    ]);
    const leaf = named("linkmesh-setting-protect");
    for (const r of registered.filter((r) => r.type.startsWith("aws:") || r.name === "linkmesh-verify"))
        expect(
            leaf.dependsOn.some((urn) => urn.endsWith(`::${r.name}`)),
            r.name,
        ).toBe(true);
    expect(registered.filter((r) => r.dependsOn.some((urn) => urn.endsWith("::linkmesh-setting-protect")))).toEqual([]);
});

test("the last step keeps its place in a stack that has its former name", async () => {
    const { named } = await runProgram(CONFIG);
    expect(named("linkmesh-verify").aliases).toEqual([{ name: "linkmesh-surfaces", type: "" }]);
});

test("paused: addresses, names and data volume, no machine and no steps", async () => {
    const { registered, named, outputs } = await runProgram({ ...CONFIG, paused: "true" });
    expect(registered.filter((r) => /ec2.*Instance|VolumeAttachment|Command/.test(r.type))).toEqual([]);
    for (const name of [
        "linkmesh-machine-address",
        "linkmesh-machine-data",
        "linkmesh-dns-linkmesh.example.com-a",
        "linkmesh-host-key",
    ])
        expect(named(name), name).toBeDefined();
    expect(outputs.publicUrl).toBe("https://linkmesh.example.com");
});

test.each(["aws-cn", "aws-us-gov", "aws-eusc"])("a region of the partition %s is refused first", async (partition) => {
    const { calls } = await runProgram(CONFIG);
    expect(calls[0]!.token).toBe("aws:index/getPartition:getPartition");
    await expect(runProgram(CONFIG, { partition })).rejects.toThrow(
        `aws:region is in the partition ${partition}, which the program does not support. Choose`,
    );
});

test("daily snapshots: the volume's own tag, the number to keep, tags copied", async () => {
    const { named } = await runProgram({ ...CONFIG, dailySnapshots: "7" });
    expect(named("linkmesh-snapshots-policy").inputs.policyDetails).toMatchObject({
        targetTags: { "linkmesh-proxy": "linkmesh-proxy/test/linkmesh" },
        schedules: [{ retainRule: { count: 7 }, copyTags: true }],
    });
    expect(JSON.parse(named("linkmesh-snapshots-role").inputs.assumeRolePolicy as string)).toMatchObject({
        Statement: [{ Principal: { Service: "dlm.amazonaws.com" } }],
    });
});

test.each(["latest", "snap-00aa"])("a data volume from the snapshot %s", async (restoreFrom) => {
    const { named } = await runProgram({ ...CONFIG, restoreFrom, dataVolumeSize: "20" });
    expect(named("linkmesh-machine-data").inputs.snapshotId).toBe("snap-00aa");
});

test("tags reach everything that can be tagged, and Name stays", async () => {
    const { registered } = await runProgram({ ...CONFIG, tags: '{"team":"platform"}' });
    const tagged = registered.filter((r) => r.inputs.tags !== undefined);
    expect(tagged.length).toBeGreaterThan(15);
    for (const r of tagged)
        expect(r.inputs.tags, r.name).toMatchObject({
            team: "platform",
            "linkmesh-proxy-stack": "linkmesh-proxy/test/linkmesh",
            Name: expect.any(String) as string,
        });
    const root = registered.find((r) => r.name === "linkmesh-machine-instance")!.inputs.rootBlockDevice;
    expect(root).toMatchObject({ tags: { "linkmesh-proxy-stack": "linkmesh-proxy/test/linkmesh" } });
});

test("a secret that is readable in the configuration file causes a warning, one that is kept as a secret does not", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    warn.mockClear();
    const secrets = { linkmeshEnvironment: '{"LINKMESH_SMTP_PASSWORD":"x"}' };
    await runProgram({ ...CONFIG, ...secrets }, { secretKeys: ["linkmeshEnvironment"] });
    expect(warn).not.toHaveBeenCalled();
    await runProgram({ ...CONFIG, ...secrets });
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
        expect.stringMatching(/^linkmeshEnvironment is readable in the stack's configuration file\. Set it again with/),
    ]);
});

test("a secret where previews would show it is refused", async () => {
    const program = runProgram({ ...CONFIG, linkmeshConfig: '{"password":"x"}' }, { secretKeys: ["linkmeshConfig"] });
    await expect(program).rejects.toThrow(/^linkmeshConfig is a secret, but previews show it/);
});

test("the root disk is as large as the image needs, and at least 10 GiB; a newer image changes no existing disk", async () => {
    const root = async (config: Record<string, string>) =>
        (await runProgram({ ...CONFIG, ...config })).named("linkmesh-machine-instance").inputs.rootBlockDevice;
    expect(await root({ imageId: "ami-0large" })).toMatchObject({ volumeSize: 30 });
    expect(await root({ imageId: "ami-0pinned" })).toMatchObject({ volumeSize: 10 });
    expect(await root({})).toMatchObject({ volumeSize: 10 });
    expect(await root({ operatingSystem: "ubuntu-24.04" })).toMatchObject({ volumeSize: 12 });
    const { named } = await runProgram({ ...CONFIG, operatingSystem: "ubuntu-24.04" });
    expect(named("linkmesh-machine-instance").ignoreChanges).toContain("rootBlockDevice.volumeSize");
});

describe("another login key", () => {
    const warnings = async (config: Record<string, string>, loginKey: string) => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        const options = { volumeZone: "eu-central-1a", loginKey, secretKeys: ["sshPrivateKey"], preview: true };
        const { named } = await runProgram({ ...CONFIG, ...config }, options);
        return {
            said: warn.mock.calls.map(([sentence]) => sentence),
            tags: named("linkmesh-machine-data").inputs.tags,
        };
    };
    const key = loginKeyName(OWN_LOGIN);

    test.each([
        ["one's own in place of the generated", OWN_LOGIN, "generated"],
        ["the generated in place of one's own", {}, key],
        ["another of one's own", OWN_LOGIN, "SHA256:former"],
        ["the same, with another comment", { ...OWN_LOGIN, sshPublicKey: `${OWN_LOGIN.sshPublicKey} me` }, key],
    ])("causes a warning in the preview that it replaces the machine: %s", async (_, config, loginKey) => {
        const { said, tags } = await warnings(config, loginKey);
        expect(said).toEqual([expect.stringMatching(/^sshPublicKey: another login key .* replaces the machine/)]);
        expect(said[0]).toContain(`${loginKeyName({ sshPublicKey: "", ...config })} instead of ${loginKey}`);
        expect(tags).toMatchObject({ [LOGIN_TAG]: loginKeyName({ sshPublicKey: "", ...config }) });
    });

    test.each([
        ["the same", OWN_LOGIN, key],
        ["none, and none before", {}, "generated"],
        ["no machine at all", { ...OWN_LOGIN, paused: "true" }, "generated"],
        ["a volume without a key tag", OWN_LOGIN, ""],
    ])("causes no warning for %s", async (_, config, loginKey) => {
        expect((await warnings(config, loginKey)).said).toEqual([]);
    });

    test("is named as ssh-keygen names it", () => {
        expect(key).toBe(LOGIN.publicKeyFingerprintSha256);
    });
});
