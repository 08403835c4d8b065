import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CONFIG, isSecret, reveal, runProgram, type Registered } from "./program.ts";
import { USUAL_STEPS } from "../usual-steps.ts";

afterEach(() => vi.restoreAllMocks());

const COMMAND = "command:remote:Command";
const ofType = (all: Registered[], type: string) => all.filter((r) => r.type === type);

test("a preview of an empty stack goes through with unknowns, and knows the public URLs", async () => {
    const { outputs, registered } = await runProgram(CONFIG, { preview: true });
    expect(ofType(registered, COMMAND)).toHaveLength(USUAL_STEPS.length);
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
        expect(commands.map((c) => c.name.replace("linkmesh-", ""))).toEqual(USUAL_STEPS);
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

    test.each(USUAL_STEPS)(
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
            // If a step's text is hidden, its fingerprints show which part changes.
            const hidden = ["DOMAIN", "GRPC_NAME", "ENVIRONMENT_FILE", "entries", "script"];
            expect(fingerprints.map((word) => word.replace(/=[0-9a-f]{12}$/, ""))).toEqual(
                step === "environment" ? hidden : [],
            );
        },
    );

    test("what the user marked secret reaches the machine only in a secret text, and is not logged", () => {
        const command = commands.find((c) => c.name === "linkmesh-environment")!;
        expect(isSecret(command.inputs.stdin)).toBe(true);
        expect(reveal(command.inputs.stdin)).toContain('TOKEN="hunter2"');
        expect(command.inputs.logging).toBe("none");
        expect(command.additionalSecretOutputs).toEqual(expect.arrayContaining(["stdout", "stderr"]));
        for (const other of program.registered.filter((r) => r !== command))
            expect(JSON.stringify(other.inputs)).not.toContain("hunter2");
    });

    test("configuration is readable in a preview: the other steps' texts are not secret", () => {
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

    test("the internet reaches only 80, 443 and 50051 in both families, the given networks also 22", () => {
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

    test("egress is open in both families by its own rules", () => {
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

    test("the data volume has the stack's own tag; its zone and its snapshot stay", () => {
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
