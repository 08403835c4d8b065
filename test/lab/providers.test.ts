import * as aws from "@pulumi/aws";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newCloud } from "../../lab/cloud/existing.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { type Lab, labAt } from "../../lab/lab.ts";
import { processIdentity } from "../../lab/lock.ts";
import { type RunningProviders, startProviders, writePlugins } from "../../lab/providers/index.ts";
import { packageVersion } from "../../lab/providers/plugins.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { RecordingRealizer, TestStack, type TestSshd, startSshd } from "./providers-harness.ts";

interface Wish {
    instanceType?: string;
    userData?: string;
    domain?: string;
    size?: number;
    tags?: Record<string, string>;
    ebsOptimized?: boolean;
}

/** The shape of the real program: network, interface, addresses, machine, volume, names. */
async function program(wish: Wish = {}): Promise<Record<string, unknown>> {
    const zone = await aws.route53.getZone({ name: "example.test", privateZone: false });
    const image = await aws.ec2.getAmi({
        owners: ["136693071363"],
        mostRecent: true,
        filters: [{ name: "name", values: ["debian-13-amd64-*"] }],
    });
    const vpc = new aws.ec2.Vpc("vpc", {
        cidrBlock: "10.77.0.0/24",
        assignGeneratedIpv6CidrBlock: true,
        tags: wish.tags,
    });
    const gateway = new aws.ec2.InternetGateway("gateway", { vpcId: vpc.id });
    const subnet = new aws.ec2.Subnet("subnet", {
        vpcId: vpc.id,
        cidrBlock: "10.77.0.0/24",
        ipv6CidrBlock: vpc.ipv6CidrBlock.apply((block) => block.replace("/56", "/64")),
    });
    const table = new aws.ec2.RouteTable("table", { vpcId: vpc.id });
    new aws.ec2.Route("route", { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id });
    new aws.ec2.RouteTableAssociation("table-association", { subnetId: subnet.id, routeTableId: table.id });
    const group = new aws.ec2.SecurityGroup("group", { vpcId: vpc.id });
    new aws.vpc.SecurityGroupIngressRule("https", {
        securityGroupId: group.id,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        cidrIpv6: "::/0",
    });
    const card = new aws.ec2.NetworkInterface("card", {
        subnetId: subnet.id,
        securityGroups: [group.id],
        ipv6AddressCount: 1,
    });
    const eip = new aws.ec2.Eip("eip", { domain: "vpc" }, { dependsOn: [gateway] });
    const association = new aws.ec2.EipAssociation(
        "eip-association",
        { allocationId: eip.allocationId, networkInterfaceId: card.id },
        { dependsOn: [gateway] },
    );
    const volume = new aws.ebs.Volume("data", {
        availabilityZone: subnet.availabilityZone,
        size: wish.size ?? 10,
        type: "gp3",
    });
    const vm = new aws.ec2.Instance(
        "vm",
        {
            ami: image.id,
            instanceType: wish.instanceType ?? "t3.small",
            primaryNetworkInterface: { networkInterfaceId: card.id },
            userData: pulumi.secret(wish.userData ?? "#cloud-config\n"),
            userDataReplaceOnChange: true,
            ebsOptimized: wish.ebsOptimized,
        },
        { deleteBeforeReplace: true, dependsOn: [volume, association] },
    );
    new aws.ec2.VolumeAttachment(
        "attachment",
        { deviceName: "/dev/sdf", instanceId: vm.id, volumeId: volume.id, stopInstanceBeforeDetaching: true },
        { deleteBeforeReplace: true, deletedWith: vm },
    );
    const name = wish.domain ?? "linkmesh.example.test";
    new aws.route53.Record("a", { zoneId: zone.zoneId, name, type: "A", ttl: 60, records: [eip.publicIp] });
    return { ipv4: eip.publicIp, ipv6: card.ipv6Addresses, instance: vm.id };
}

let root: string;
let lab: Lab;
let realizer: RecordingRealizer;
let providers: RunningProviders;
let stack: TestStack;

beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "linkmesh-lab-"));
    lab = { ...labAt(7), dir: root };
    realizer = new RecordingRealizer();
    providers = await startProviders({ lab, realizer, packages: ["aws", "command", "tls"] });
    stack = await TestStack.create(providers.debugProviders);
});

afterAll(async () => {
    await providers?.stop();
    await stack?.remove();
    await rm(root, { recursive: true, force: true });
});

describe("aws", () => {
    it("previews an empty stack without touching the cloud", async () => {
        const preview = await stack.preview(() => program());
        expect(preview).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(preview.steps).toContain("create Instance vm");
        expect(realizer.states).toHaveLength(0);
    });

    it("creates everything, and the user data is no clear text in the state", async () => {
        const up = await stack.up(() => program({ userData: "#cloud-config\n# hush\n" }));
        expect(up.text).toContain("16 created");
        const [instance] = Object.values(realizer.last.instances);
        expect(instance).toMatchObject({
            desired: "running",
            userData: "#cloud-config\n# hush\n",
            instanceType: "t3.small",
        });
        expect(Object.values(realizer.last.volumes)[0]?.attachment?.instanceId).toBe(instance?.id);
        expect(Object.values(realizer.last.records)[0]).toMatchObject({
            name: "linkmesh.example.test",
            values: [`10.77.143.1`],
        });
        expect(await stack.checkpoint()).not.toContain("hush");
    });

    it("finds nothing to do the second time, nor by a refresh", async () => {
        const wish = { userData: "#cloud-config\n# hush\n" };
        const applied = realizer.states.length;
        for (const run of [await stack.preview(() => program(wish)), await stack.up(() => program(wish))]) {
            expect(run).toMatchObject({ exitCode: 0, steps: [], diagnostics: [] });
        }
        const refresh = await stack.refresh("--expect-no-changes");
        expect(refresh.exitCode).toBe(0);
        expect(realizer.states).toHaveLength(applied);
    });

    it("changes the instance type in place: stop, change, start", async () => {
        const wish = { userData: "#cloud-config\n# hush\n", instanceType: "t3.medium" };
        const applied = realizer.states.length;
        const up = await stack.up(() => program(wish));
        expect(up.steps).toEqual(["update Instance vm"]);
        const history = realizer.states.slice(applied).map((state) => Object.values(state.instances)[0]);
        expect(history.map((vm) => `${vm?.desired} ${vm?.instanceType}`)).toEqual([
            "stopped t3.small",
            "running t3.medium",
        ]);
    });

    it("replaces the machine when user data changes, in AWS's order", async () => {
        const applied = realizer.states.length;
        const wish = { instanceType: "t3.medium" };
        const before = Object.keys(realizer.last.instances)[0];
        const preview = await stack.preview(() => program(wish));
        expect(preview.steps).toContain("create-replacement Instance vm");
        const up = await stack.up(() => program(wish));
        expect(up).toMatchObject({ exitCode: 0, diagnostics: [] });
        const phases = realizer.states.slice(applied).map((state) => {
            const [vm] = Object.values(state.instances);
            const [volume] = Object.values(state.volumes);
            const machine = vm ? `${vm.id === before ? "old" : "new"} ${vm.desired}` : "none";
            return `${machine}, volume ${volume?.attachment ? "attached" : "free"}`;
        });
        expect(phases).toEqual([
            "old stopped, volume attached",
            "old stopped, volume free",
            "none, volume free",
            "new running, volume free",
            "new running, volume attached",
        ]);
    });

    it("grows a volume in place and refuses to shrink it, already in the preview", async () => {
        const wish = { instanceType: "t3.medium" };
        expect((await stack.up(() => program({ ...wish, size: 20 }))).steps).toEqual(["update Volume data"]);
        const shrink = await stack.preview(() => program({ ...wish, size: 5 }));
        expect(shrink.exitCode).not.toBe(0);
        expect(shrink.diagnostics.join()).toContain(
            "New size cannot be smaller than existing size (20 GiB, wanted 5 GiB)",
        );
    });

    it("names the property that it does not know", async () => {
        const fault = await stack.preview(() => {
            new aws.ec2.Instance("odd", { ami: "ami-1", instanceType: "t3.small", keyName: "mine" });
            return Promise.resolve({});
        });
        expect(fault.exitCode).not.toBe(0);
        expect(fault.diagnostics.join("\n")).toMatch(
            /property keyName value \{mine\} has a problem: .*does not know the property "keyName"/,
        );
        expect(fault.diagnostics.join("\n")).toContain('missing required property "primaryNetworkInterface"');
    });

    it("fails with the provider's words when a lookup finds nothing", async () => {
        const fault = await stack.preview(async () => {
            await aws.route53.getZone({ name: "example.org" });
            return {};
        });
        expect(fault.diagnostics.join("\n")).toContain("no matching Route 53 Hosted Zone found");
    });

    it("puts the state back when the machine cannot be made, and goes on the next time", async () => {
        const wish = { userData: "#cloud-config\n# third\n", size: 20 };
        const instances = () => Object.values(realizer.last.instances).length;
        realizer.onState = (state) => {
            const [vm] = Object.values(state.instances);
            if (vm?.userData.includes("third")) throw new Error("no space left");
        };
        const failed = await stack.up(() => program(wish));
        realizer.onState = undefined;
        expect(failed.exitCode).not.toBe(0);
        expect(failed.diagnostics.join("\n")).toContain("no space left");
        expect(instances()).toBe(0);
        expect(await stack.up(() => program(wish))).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(instances()).toBe(1);
    });

    it("reports as gone what the cloud has lost", async () => {
        await new CloudStore(lab, realizer).change((state) => (state.records = {}));
        const refresh = await stack.refresh();
        expect(refresh.text).toMatch(/Record a\s+deleted|1 deleted/);
        const up = await stack.up(() => program({ userData: "#cloud-config\n# third\n", size: 20 }));
        expect(up.steps).toEqual(["create Record a"]);
    });

    it("makes a single machine after the engine was killed while it made one", async () => {
        const wish = { userData: "#cloud-config\n# fourth\n", size: 20 };
        let isKilled = false;
        realizer.onState = async (state) => {
            const [vm] = Object.values(state.instances);
            if (isKilled || !vm?.userData.includes("fourth")) return;
            isKilled = true;
            for (const pid of await stack.enginePids()) process.kill(pid, "SIGKILL");
            await sleep(200);
        };
        expect((await stack.up(() => program(wish))).exitCode).not.toBe(0);
        realizer.onState = undefined;
        expect(isKilled).toBe(true);
        expect((await stack.cancel()).exitCode).toBe(0);
        expect((await stack.refresh("--clear-pending-creates")).exitCode).toBe(0);
        const up = await stack.up(() => program(wish));
        expect(up).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(Object.keys(realizer.last.instances)).toHaveLength(1);
        expect(await stack.up(() => program(wish))).toMatchObject({ exitCode: 0, steps: [] });
    });

    it("destroys everything", async () => {
        expect(await stack.destroy()).toMatchObject({ exitCode: 0, diagnostics: [] });
        const { tags, owners, ...rest } = await new CloudStore(lab, realizer).read();
        expect({ tags, owners }).toEqual({ tags: {}, owners: {} });
        expect(rest).toEqual(newCloud(lab));
    });

    it("wants a region", async () => {
        const other = await TestStack.create(providers.debugProviders, {});
        const preview = await other.preview(() => program());
        expect(preview.diagnostics.join("\n")).toContain("Make sure you have set your AWS region");
        await other.remove();
    });
});

describe("tls and command", () => {
    let sshd: TestSshd;
    let login: Awaited<ReturnType<typeof generateKey>>;
    let connection: Record<string, pulumi.Input<string | number>>;

    beforeAll(async () => {
        login = await generateKey({ algorithm: "ED25519" });
        sshd = await startSshd(login.publicKeyOpenssh);
        connection = {
            host: "127.0.0.1",
            port: sshd.port,
            user: "root",
            privateKey: login.privateKeyOpenssh,
            hostKey: sshd.hostKey,
        };
    });

    afterAll(() => sshd?.stop());

    const step = (args: Partial<remote.CommandArgs>) => () => {
        const command = new remote.Command("step", {
            connection: connection as unknown as remote.CommandArgs["connection"],
            addPreviousOutputInEnv: false,
            ...args,
        });
        return Promise.resolve({ stdout: command.stdout });
    };

    it("keeps a private key secret and makes another one for another algorithm", async () => {
        const key = (algorithm: string) => () => {
            const made = new tls.PrivateKey("key", { algorithm });
            return Promise.resolve({ line: made.publicKeyOpenssh });
        };
        expect((await stack.up(key("ED25519"))).text).toContain("ssh-ed25519");
        expect(await stack.checkpoint()).not.toContain("PRIVATE KEY");
        expect((await stack.refresh("--expect-no-changes")).exitCode).toBe(0);
        expect((await stack.up(key("RSA"))).text).toContain("ssh-rsa");
    });

    it("runs nothing in a preview, then runs with stdin and shows its lines", async () => {
        const wish = step({ create: "cat; echo two >&2", stdin: "one\n", triggers: ["a"] });
        const preview = await stack.preview(wish);
        expect(preview.steps).toContain("create Command step");
        expect(preview.lines.join()).not.toContain("one");
        const up = await stack.up(wish);
        expect(up.text).toMatch(/stdout: "one"/);
        expect(up.lines).toEqual(expect.arrayContaining(["one", "two"]));
        expect(await stack.up(wish)).toMatchObject({ exitCode: 0, steps: [] });
    });

    it("shows a changed file as a diff and runs it in place", async () => {
        const wish = step({ create: "cat", stdin: "listen 80;\nlisten 443;\n", triggers: ["a"] });
        await stack.up(wish);
        const changed = step({ create: "cat", stdin: "listen 80;\nlisten 8443;\n", triggers: ["a"] });
        const preview = await stack.preview(changed);
        expect(preview.text).toMatch(/- listen 443;\s+\+ listen 8443;/);
        const up = await stack.up(changed);
        expect(up.steps).toEqual(["update Command step"]);
        expect(up.text).toContain("8443");
    });

    it("replaces on triggers, and prefers the update command for other changes", async () => {
        const replaced = await stack.up(step({ create: "cat", stdin: "listen 80;\nlisten 8443;\n", triggers: ["b"] }));
        expect(replaced.steps).toContain("create-replacement Command step");
        const updated = await stack.up(step({ create: "echo created", update: "echo updated", triggers: ["b"] }));
        expect(updated.text).toContain("updated");
    });

    it("says what a failed command said, and nothing of its stdin", async () => {
        const failed = await stack.up(
            step({ create: "echo out; echo err >&2; exit 7", stdin: "hush", triggers: ["b"] }),
        );
        expect(failed.exitCode).not.toBe(0);
        const text = failed.diagnostics.join("\n");
        expect(text).toContain('Process exited with status 7: running "echo out; echo err >&2; exit 7":');
        expect(text).toMatch(/out[\s\S]*err/);
        expect(failed.text).not.toContain("hush");
    });

    it("refuses another host key at once", async () => {
        const other = await generateKey({ algorithm: "ED25519" });
        const good = connection;
        connection = { ...good, hostKey: other.publicKeyOpenssh };
        const failed = await stack.up(step({ create: "true", triggers: ["b"] }));
        connection = good;
        expect(failed.diagnostics.join("\n")).toContain(
            `the host key of 127.0.0.1:${sshd.port} is not the one in connection.hostKey`,
        );
        expect(failed.milliseconds).toBeLessThan(10_000);
    });

    it("gives up after the limit of attempts", async () => {
        const good = connection;
        connection = { ...good, port: 1, dialErrorLimit: 3 };
        const failed = await stack.up(step({ create: "true", triggers: ["b"] }));
        connection = good;
        expect(failed.diagnostics.join("\n")).toMatch(
            /after 3 failed attempts: dial 127\.0\.0\.1:1: connect ECONNREFUSED/,
        );
        expect(failed.text).not.toContain("PRIVATE KEY");
    });

    it("says which environment variable the host refuses", async () => {
        const failed = await stack.up(step({ create: "env", environment: { FOO: "bar" }, triggers: ["b"] }));
        expect(failed.diagnostics.join("\n")).toContain('could not set environment variable "FOO"');
    });

    it("keeps the private key out of the message about a wrong connection", async () => {
        const good = connection;
        connection = { ...good, hots: "127.0.0.1" };
        const failed = await stack.preview(step({ create: "true", triggers: ["b"] }));
        connection = good;
        expect(failed.diagnostics.join("\n")).toContain("connection.hots: unknown property");
        expect(failed.text + failed.diagnostics.join()).not.toContain("PRIVATE KEY");
    });

    it("reaches a host through a bastion", async () => {
        const good = connection;
        connection = { ...good, proxy: { ...good } as never };
        const up = await stack.up(step({ create: "echo through", triggers: ["c"] }));
        connection = good;
        expect(up).toMatchObject({ exitCode: 0 });
        expect(up.text).toContain("through");
    });

    it("ends the connection when the operation is cancelled", async () => {
        const running = stack.up(step({ create: "echo started; sleep 20", triggers: ["d"] }));
        await sleep(4_000);
        for (const pid of await stack.enginePids()) process.kill(pid, "SIGINT");
        const up = await running;
        expect(up.exitCode).not.toBe(0);
        expect(up.milliseconds).toBeLessThan(20_000);
        expect(up.diagnostics.join("\n")).toContain("cancelled: the connection was ended");
        await stack.destroy();
    });
});

describe("plugin executables", () => {
    it("serve a stack that no provider is attached to, and end with the engine", async () => {
        const plain = await TestStack.create("");
        await writePlugins(join(plain.dir, "home", "plugins"), lab);
        const key = async () => {
            const made = new tls.PrivateKey("key", { algorithm: "ED25519" });
            const zone = await aws.route53.getZone({ name: "example.test" });
            return { line: made.publicKeyOpenssh, zone: zone.name };
        };
        const up = await plain.up(key);
        expect(up).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(up.text).toContain("example.test");

        const plugin = join(
            plain.dir,
            "home",
            "plugins",
            `resource-tls-v${packageVersion("tls")}`,
            "pulumi-resource-tls",
        );
        const shell = spawn("/bin/sh", ["-c", `${plugin} 127.0.0.1:1 & echo pid $!; read end`], {
            stdio: ["pipe", "pipe", "ignore"],
        });
        const said = await new Promise<string>((resolve) => {
            let text = "";
            shell.stdout.setEncoding("utf8").on("data", (chunk: string) => {
                text += chunk;
                if (/^\d+$/m.test(text) && text.includes("pid")) resolve(text);
            });
        });
        const pid = Number(/pid (\d+)/.exec(said)?.[1]);
        expect(processIdentity(pid)).toBeDefined();
        shell.kill("SIGKILL");
        await sleep(1_500);
        // A container's first process may leave it as a zombie, for which this is undefined too.
        expect(processIdentity(pid)).toBeUndefined();
        await plain.remove();
    });
});
