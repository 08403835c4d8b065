import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { LOGIN_TAG, loginKeyName } from "../../components/cloud/login-key.ts";
import { LOGIN, OWN_LOGIN } from "./keys.ts";
import { CONFIG, STEPS, isSecret, reveal, runProgram, type Registered } from "./program.ts";

afterEach(() => vi.restoreAllMocks());

const COMMAND = "command:remote:Command";
const ofType = (all: Registered[], type: string) => all.filter((r) => r.type === type);

test("a preview of an empty stack goes through with unknowns, and knows the public URLs", async () => {
    const { outputs, registered } = await runProgram(CONFIG, { preview: true });
    expect(ofType(registered, COMMAND)).toHaveLength(STEPS.length);
    expect(outputs).toMatchObject({
        publicUrl: "https://linkmesh.example.com",
        opampUrl: "wss://linkmesh.example.com/v1/opamp",
        grpcEndpoint: "linkmesh.example.com:50051",
    });
});

describe("the stack", () => {
    let program: Awaited<ReturnType<typeof runProgram>>;
    let commands: Registered[];
    beforeAll(async () => {
        program = await runProgram(
            { ...CONFIG, linkmeshEnvironment: '{"TOKEN":"hunter2"}' },
            { secretKeys: ["linkmeshEnvironment"] },
        );
        commands = ofType(program.registered, COMMAND);
    });

    test("every resource has a component as its parent and a name that begins with the component's", () => {
        const components = new Map(
            program.registered.filter((r) => r.type.startsWith("linkmesh-proxy:index:")).map((r) => [r.name, r]),
        );
        for (const r of program.registered.filter((r) => r.type !== "pulumi:pulumi:Stack" && r.name !== "linkmesh")) {
            const parent = [...components.values()].find((c) => r.parent.endsWith(`::${c.name}`));
            expect(parent, `${r.name} has the parent ${r.parent}`).toBeDefined();
            expect(r.name.startsWith(`${parent!.name}-`), `${r.name} under ${parent!.name}`).toBe(true);
        }
    });

    test("the steps run in order, each after the one before", () => {
        expect(commands.map((c) => c.name.replace("linkmesh-", ""))).toEqual(STEPS);
        commands.slice(1).forEach((command, i) => {
            expect(
                command.dependsOn.some((urn) => urn.endsWith(`::${commands[i]!.name}`)),
                command.name,
            ).toBe(true);
        });
    });

    test("the first step waits for address, rules, routes, volume and records", () => {
        const names = commands[0]!.dependsOn.map((urn) => urn.split("::").at(-1));
        expect(names).toEqual(
            expect.arrayContaining([
                "linkmesh-machine-address-association",
                "linkmesh-machine-data-attachment",
                "linkmesh-dns-linkmesh.example.com-a",
                "linkmesh-dns-linkmesh.example.com-aaaa",
            ]),
        );
    });

    test.each(STEPS)(
        "step %s: bound to the machine, no delete script, pinned host key, secrets out of the command",
        (step) => {
            const command = commands.find((c) => c.name === `linkmesh-${step}`)!;
            expect(command.deletedWith).toMatch(/linkmesh-machine-instance$/);
            expect(command.inputs).not.toHaveProperty("delete");
            expect(command.inputs).not.toHaveProperty("update");
            expect(command.inputs).not.toHaveProperty("environment");
            expect(command.inputs.triggers).toEqual(["linkmesh-machine-instance-id"]);
            expect(command.deleteBeforeReplace).toBe(false);
            expect(command.inputs.addPreviousOutputInEnv).toBe(false);
            expect(isSecret(command.inputs.connection)).toBe(true);
            expect(reveal(command.inputs.connection)).toMatchObject({
                host: "203.0.113.10",
                user: "admin",
                hostKey: "ssh-ed25519 AAAAMOCK",
            });
            const [run, ...fingerprints] = (command.inputs.create as string).split(" \\\n  ");
            expect(run).toBe(`sudo timeout --kill-after=300 ${/\d+(?= bash)/.exec(run!)?.[0]} bash -s -- ${step}`);
            // A step whose text is hidden shows which of its parts changes.
            const hidden = ["DOMAIN", "GRPC_NAME", "ENVIRONMENT_FILE", "entries", "script"];
            expect(fingerprints.map((word) => word.replace(/=[0-9a-f]{12}$/, ""))).toEqual(
                step === "environment" ? hidden : [],
            );
        },
    );

    test("what the user marked secret reaches the machine in a secret text alone, and is not logged", () => {
        const command = commands.find((c) => c.name === "linkmesh-environment")!;
        expect(isSecret(command.inputs.stdin)).toBe(true);
        expect(reveal(command.inputs.stdin)).toContain('TOKEN="hunter2"');
        expect(command.inputs.logging).toBe("none");
        expect(command.additionalSecretOutputs).toEqual(expect.arrayContaining(["stdout", "stderr"]));
        for (const other of program.registered.filter((r) => r !== command))
            expect(JSON.stringify(other.inputs)).not.toContain("hunter2");
    });

    test("configuration is readable in a preview: the other steps' texts are no secrets", () => {
        for (const command of commands.filter((c) => c.name !== "linkmesh-environment")) {
            expect(isSecret(command.inputs.stdin), command.name).toBe(false);
            expect(JSON.stringify(command.inputs.stdin)).not.toContain("PRIVATE KEY");
        }
    });

    test("the instance: interface of its own, secret user data, IMDSv2, encrypted disk, old one stopped first", () => {
        const instance = program.named("linkmesh-machine-instance");
        expect(instance.inputs).toMatchObject({
            ami: "ami-0newest",
            primaryNetworkInterface: { networkInterfaceId: "linkmesh-machine-interface-id" },
            userDataReplaceOnChange: true,
            metadataOptions: { httpTokens: "required" },
            rootBlockDevice: { encrypted: true, volumeType: "gp3" },
        });
        expect(instance.inputs).not.toHaveProperty("associatePublicIpAddress");
        expect(isSecret(instance.inputs.userData)).toBe(true);
        expect(instance.deleteBeforeReplace).toBe(true);
        expect(instance.ignoreChanges).toEqual(["ami", "rootBlockDevice.volumeSize"]);
        expect(instance.dependsOn.some((urn) => urn.endsWith("linkmesh-machine-data"))).toBe(true);
        expect(instance.protect).toBe(false);
    });

    test("the data volume: encrypted, attached by a resource that goes with the machine", () => {
        expect(program.named("linkmesh-machine-data").inputs).toMatchObject({ encrypted: true, type: "gp3", size: 10 });
        const attachment = program.named("linkmesh-machine-data-attachment");
        expect(attachment.inputs).toMatchObject({ deviceName: "/dev/sdf", skipDestroy: true });
        expect(attachment.deletedWith).toMatch(/linkmesh-machine-instance$/);
    });

    test("the world reaches 80, 443 and 50051 in both families, the given networks 22, and nothing else", () => {
        const open = ofType(program.registered, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
            .filter((r) => r.inputs.ipProtocol === "tcp")
            .map(
                (r) =>
                    `${r.inputs.fromPort as number}-${r.inputs.toPort as number} ${(r.inputs.cidrIpv4 ?? r.inputs.cidrIpv6) as string}`,
            );
        expect(open.sort()).toEqual(
            [
                ...[80, 443, 50051].flatMap((p) => [`${p}-${p} 0.0.0.0/0`, `${p}-${p} ::/0`]),
                ...["22-22 198.51.100.7/32", "22-22 2001:db8::/64"],
            ].sort(),
        );
    });

    test("egress is open in both families by rules of its own", () => {
        const rules = ofType(program.registered, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule").map(
            (r) => r.inputs,
        );
        expect(rules.map((r) => r.cidrIpv4 ?? r.cidrIpv6)).toEqual(["0.0.0.0/0", "::/0"]);
        expect(rules.every((r) => r.ipProtocol === "-1")).toBe(true);
    });

    test("the records: both families, 60 seconds, existing ones not taken over", () => {
        const records = ofType(program.registered, "aws:route53/record:Record");
        expect(records.map((r) => [r.inputs.type, r.inputs.records])).toEqual([
            ["A", ["203.0.113.10"]],
            ["AAAA", ["2001:db8:0:100::10"]],
        ]);
        for (const record of records) {
            expect(record.inputs).toMatchObject({
                zoneId: "Z1",
                name: "linkmesh.example.com",
                ttl: 60,
                allowOverwrite: false,
            });
            // Another name is another resource.
            expect(record.name).toContain("linkmesh.example.com");
        }
    });

    test("nothing is protected, and no schedule of snapshots costs anything, unless the settings say so", () => {
        expect(program.registered.filter((r) => r.protect)).toEqual([]);
        expect(program.registered.filter((r) => /dlm/.test(r.type))).toEqual([]);
        expect(program.named("linkmesh-machine-data").inputs.finalSnapshot).toBe(false);
    });

    test("the data volume carries the stack's own tag; where it lies and what it was made from stays", () => {
        const volume = program.named("linkmesh-machine-data");
        expect(volume.inputs.tags).toMatchObject({
            "linkmesh-proxy": "linkmesh-proxy/test/linkmesh",
            "linkmesh-proxy-domain": "linkmesh.example.com",
        });
        expect(volume.ignoreChanges).toEqual(["availabilityZone", "snapshotId"]);
        expect(program.named("linkmesh-machine-instance").replacementTrigger).toBe(
            "linkmesh-machine-data-id debian-13",
        );
    });
});

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

test("an existing subnet is used instead of an own network", async () => {
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
])("a subnet %s is taken for public", async (_, subnetId, refused, said) => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const { named } = await runProgram({ ...CONFIG, subnetId }, { refused });
    expect(named("linkmesh-machine-interface").inputs.subnetId).toBe(subnetId);
    expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual(said);
});

test("a private subnet is not asked for its routes when nobody needs a public address there", async () => {
    const { asked } = await runProgram({
        ...CONFIG,
        subnetId: "subnet-0000",
        publicAddress: "false",
        acmeDirectory: "https://acme.example.com/directory",
    });
    expect(asked("aws:ec2/getRouteTables:getRouteTables")).toEqual([]);
});

test("port 22 open to the whole internet is said aloud, other networks are not", async () => {
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

test("the last step keeps its place in a stack that has it by its former name", async () => {
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

test.each(["aws-cn", "aws-us-gov", "aws-eusc"])(
    "a region of the partition %s is refused first of all",
    async (partition) => {
        const { calls } = await runProgram(CONFIG);
        expect(calls[0]!.token).toBe("aws:index/getPartition:getPartition");
        await expect(runProgram(CONFIG, { partition })).rejects.toThrow(
            `aws:region is in the partition ${partition}, which the program does not support. Choose`,
        );
    },
);

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

test("a secret that is readable in the configuration file is said aloud, one that is kept as a secret is not", async () => {
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

test("the root disk is as large as the image wants it, and 10 GiB at least; a newer image changes none that exists", async () => {
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
    ])("is said in the preview to replace the machine: %s", async (_, config, loginKey) => {
        const { said, tags } = await warnings(config, loginKey);
        expect(said).toEqual([expect.stringMatching(/^sshPublicKey: another login key .* replaces the machine/)]);
        expect(said[0]).toContain(`${loginKeyName({ sshPublicKey: "", ...config })} instead of ${loginKey}`);
        expect(tags).toMatchObject({ [LOGIN_TAG]: loginKeyName({ sshPublicKey: "", ...config }) });
    });

    test.each([
        ["the same", OWN_LOGIN, key],
        ["none, and none before", {}, "generated"],
        ["no machine at all", { ...OWN_LOGIN, paused: "true" }, "generated"],
        ["a volume that tells none", OWN_LOGIN, ""],
    ])("is not said of %s", async (_, config, loginKey) => {
        expect((await warnings(config, loginKey)).said).toEqual([]);
    });

    test("is named as ssh-keygen names it", () => {
        expect(key).toBe(LOGIN.publicKeyFingerprintSha256);
    });
});
