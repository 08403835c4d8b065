import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { newCloud } from "../../lab/cloud/existing-network.ts";
import type { CloudState } from "../../lab/cloud/state.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { terminate } from "../../lab/providers/aws/instances.ts";
import { type ProvidersLab, TestStack } from "./providers-harness.ts";

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
        { deviceName: "/dev/sdf", instanceId: vm.id, volumeId: volume.id, skipDestroy: true },
        { deleteBeforeReplace: true, deletedWith: vm },
    );
    const name = wish.domain ?? "linkmesh.example.test";
    new aws.route53.Record("a", { zoneId: zone.zoneId, name, type: "A", ttl: 60, records: [eip.publicIp] });
    return { ipv4: eip.publicIp, ipv6: card.ipv6Addresses, instance: vm.id };
}

/** The stand-in for AWS under the real engine. */
export function awsProvider(on: ProvidersLab): void {
    it("previews an empty stack without touching the cloud", async () => {
        const preview = await on.stack.preview(() => program());
        expect(preview).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(preview.steps).toContain("create Instance vm");
        expect(on.reconciler.states).toHaveLength(0);
    });

    it("creates everything, and the user data is no clear text in the state", async () => {
        const up = await on.stack.up(() => program({ userData: "#cloud-config\n# hush\n" }));
        expect(up.text).toContain("16 created");
        const [instance] = Object.values(on.reconciler.last.instances);
        expect(instance).toMatchObject({
            desired: "running",
            userData: "#cloud-config\n# hush\n",
            instanceType: "t3.small",
        });
        expect(Object.values(on.reconciler.last.volumes)[0]?.attachment?.instanceId).toBe(instance?.id);
        expect(Object.values(on.reconciler.last.records)[0]).toMatchObject({
            name: "linkmesh.example.test",
            values: [`10.77.143.1`],
        });
        expect(await on.stack.checkpoint()).not.toContain("hush");
    });

    it("finds nothing to do the second time, nor by a refresh", async () => {
        const wish = { userData: "#cloud-config\n# hush\n" };
        const applied = on.reconciler.states.length;
        for (const run of [await on.stack.preview(() => program(wish)), await on.stack.up(() => program(wish))]) {
            expect(run).toMatchObject({ exitCode: 0, steps: [], diagnostics: [] });
        }
        const refresh = await on.stack.refresh("--expect-no-changes");
        expect(refresh.exitCode).toBe(0);
        expect(on.reconciler.states).toHaveLength(applied);
    });

    it("changes the instance type in place: stop, change, start", async () => {
        const wish = { userData: "#cloud-config\n# hush\n", instanceType: "t3.medium" };
        const applied = on.reconciler.states.length;
        const up = await on.stack.up(() => program(wish));
        expect(up.steps).toEqual(["update Instance vm"]);
        const history = on.reconciler.states.slice(applied).map((state) => Object.values(state.instances)[0]);
        expect(history.map((vm) => `${vm?.desired} ${vm?.instanceType}`)).toEqual([
            "stopped t3.small",
            "running t3.medium",
        ]);
    });

    it("replaces the machine when user data changes, in AWS's order", async () => {
        const applied = on.reconciler.states.length;
        const wish = { instanceType: "t3.medium" };
        const before = Object.keys(on.reconciler.last.instances)[0];
        const preview = await on.stack.preview(() => program(wish));
        expect(preview.steps).toContain("create-replacement Instance vm");
        const up = await on.stack.up(() => program(wish));
        expect(up).toMatchObject({ exitCode: 0, diagnostics: [] });
        const phases = on.reconciler.states.slice(applied).map((state) => {
            const [vm] = Object.values(state.instances);
            const [volume] = Object.values(state.volumes);
            const machine = vm ? `${vm.id === before ? "old" : "new"} ${vm.desired}` : "none";
            return `${machine}, volume ${volume?.attachment ? "attached" : "free"}`;
        });
        expect(phases).toEqual(["none, volume free", "new running, volume free", "new running, volume attached"]);
    });

    it("brings back a machine that was terminated elsewhere, by a pending replacement and by a refresh", async () => {
        const wish = { instanceType: "t3.medium" };
        const terminateElsewhere = () =>
            new CloudStore(on.lab, on.reconciler).change((state) => {
                for (const id of Object.keys(state.instances)) terminate(state, id);
            });
        const isWhole = () => {
            const { instances, volumes } = on.reconciler.last;
            expect(Object.values(volumes).map(({ attachment }) => attachment?.instanceId)).toEqual(
                Object.keys(instances),
            );
        };
        await terminateElsewhere();
        expect((await on.stack.preview(() => program(wish))).steps).toEqual([]);
        const due = { ...wish, userData: "#cloud-config\n# another\n" };
        expect(await on.stack.up(() => program(due))).toMatchObject({ exitCode: 0, diagnostics: [] });
        isWhole();
        await terminateElsewhere();
        expect((await on.stack.refresh()).text).toContain("- 2 deleted");
        expect((await on.stack.up(() => program(due))).steps).toEqual([
            "create Instance vm",
            "create VolumeAttachment attachment",
        ]);
        isWhole();
        expect(await on.stack.up(() => program(wish))).toMatchObject({ exitCode: 0, diagnostics: [] });
    });

    it("grows a volume in place and refuses to shrink it, already in the preview", async () => {
        const wish = { instanceType: "t3.medium" };
        expect((await on.stack.up(() => program({ ...wish, size: 20 }))).steps).toEqual(["update Volume data"]);
        const shrink = await on.stack.preview(() => program({ ...wish, size: 5 }));
        expect(shrink.exitCode).not.toBe(0);
        expect(shrink.diagnostics.join()).toContain(
            "New size cannot be smaller than existing size (20 GiB, wanted 5 GiB)",
        );
    });

    it("names the property that it does not know", async () => {
        const fault = await on.stack.preview(() => {
            new aws.ec2.Instance("odd", { instanceType: "t3.small", keyName: "mine" });
            return Promise.resolve({});
        });
        expect(fault.exitCode).not.toBe(0);
        expect(fault.diagnostics.join("\n")).toMatch(
            /property keyName value \{mine\} has a problem: .*does not know the property "keyName"/,
        );
        expect(fault.diagnostics.join("\n")).toContain('missing required property "ami"');
    });

    it("fails with the provider's words when a lookup finds nothing", async () => {
        const fault = await on.stack.preview(async () => {
            await aws.route53.getZone({ name: "example.org" });
            return {};
        });
        expect(fault.diagnostics.join("\n")).toContain("no matching Route 53 Hosted Zone found");
    });

    it("restores the state when the machine cannot be created, and goes on the next time", async () => {
        const wish = { userData: "#cloud-config\n# third\n", size: 20 };
        const instances = () => Object.values(on.reconciler.last.instances).length;
        on.reconciler.onState = (state) => {
            const [vm] = Object.values(state.instances);
            if (vm?.userData.includes("third")) throw new Error("no space left");
        };
        const failed = await on.stack.up(() => program(wish));
        on.reconciler.onState = undefined;
        expect(failed.exitCode).not.toBe(0);
        expect(failed.diagnostics.join("\n")).toContain("no space left");
        expect(instances()).toBe(0);
        expect(await on.stack.up(() => program(wish))).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(instances()).toBe(1);
    });

    it("reports as gone what the cloud has lost", async () => {
        await new CloudStore(on.lab, on.reconciler).change((state) => (state.records = {}));
        const refresh = await on.stack.refresh();
        expect(refresh.text).toContain("- 1 deleted");
        const up = await on.stack.up(() => program({ userData: "#cloud-config\n# third\n", size: 20 }));
        expect(up.steps).toEqual(["create Record a"]);
    });

    it("refuses a second machine on one interface after the engine was killed, until the first is terminated", async () => {
        const wish = { userData: "#cloud-config\n# fourth\n", size: 20 };
        const fourth = ({ instances }: CloudState) =>
            Object.values(instances).filter(({ userData }) => userData.includes("fourth"));
        on.reconciler.onState = async (state) => {
            if (fourth(state).length === 0) return;
            on.reconciler.onState = undefined;
            for (const pid of on.stack.enginePids()) process.kill(pid, "SIGKILL");
            while (on.stack.enginePids().length > 0) await sleep(10);
        };
        expect((await on.stack.up(() => program(wish))).exitCode).not.toBe(0);
        const [left] = fourth(on.reconciler.last);
        expect((await on.stack.cancel()).exitCode).toBe(0);
        expect((await on.stack.refresh("--clear-pending-creates")).exitCode).toBe(0);
        const refused = await on.stack.up(() => program(wish));
        expect(refused.exitCode).not.toBe(0);
        expect(refused.diagnostics.join("\n")).toContain("InvalidNetworkInterface.InUse");
        expect(fourth(on.reconciler.last)).toEqual([left]);

        await new CloudStore(on.lab, on.reconciler).change((state) => terminate(state, left!.id));
        expect(await on.stack.up(() => program(wish))).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(fourth(on.reconciler.last)).toHaveLength(1);
        expect(await on.stack.up(() => program(wish))).toMatchObject({ exitCode: 0, steps: [] });
    });

    it("destroys everything", async () => {
        expect(await on.stack.destroy()).toMatchObject({ exitCode: 0, diagnostics: [] });
        const left = await new CloudStore(on.lab, on.reconciler).read();
        expect({ ...left, terminated: {} }).toEqual({ ...newCloud(on.lab), tags: {} });
    });

    it("requires a region", async () => {
        const other = await TestStack.create(on.debugProviders, {});
        const preview = await other.preview(() => program());
        expect(preview.diagnostics.join("\n")).toContain("Make sure you have set your AWS region");
        await other.remove();
    });
}
