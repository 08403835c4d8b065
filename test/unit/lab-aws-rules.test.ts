import { beforeEach, describe, expect, it } from "vitest";
import { terminate } from "../../lab/providers/aws/instance.ts";
import { UNKNOWN, type Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

describe("inputs", () => {
    const rule = { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 1, toPort: 1 };
    const volume = { availabilityZone: "eu-central-1a" };
    const machine = { ami: "a", instanceType: "t3.small", primaryNetworkInterface: { networkInterfaceId: "eni-1" } };
    it.each<[type: string, inputs: Values, property: string, reason: RegExp]>([
        ["Vpc", {}, "cidrBlock", /missing required property "cidrBlock"/],
        ["Vpc", { cidrBlock: 5 }, "cidrBlock", /expected a string, got the number 5/],
        ["Vpc", { cidrBlock: "10.77.0.1/24" }, "cidrBlock", /not a network address: use 10\.77\.0\.0\/24/],
        ["Vpc", { cidrBlock: "10.77.0.0/8" }, "cidrBlock", /not a network address/],
        ["Vpc", { cidrBlock: "192.168.0.0/16" }, "cidrBlock", /the lab's VPCs lie in 10\.77\.0\.0\/17/],
        ["Vpc", { cidrBlock: "10.77.0.0/24", tags: { "aws:x": "1" } }, "tags", /reserved/],
        ["Vpc", { cidrBlock: "10.77.0.0/24", cidrBlok: "x" }, "cidrBlok", /did you mean "cidrBlock"/],
        ["Ingress", { ...rule, cidrIpv4: "1.2.3.4/24" }, "cidrIpv4", /not a network address/],
        ["Ingress", { ...rule, cidrIpv4: "::/0" }, "cidrIpv4", /not a valid IPv4/],
        ["Ingress", rule, "", /one of cidrIpv4 and cidrIpv6/],
        ["Ingress", { ...rule, toPort: 70000, cidrIpv4: "0.0.0.0/0" }, "toPort", /out of range/],
        ["Egress", { ...rule, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }, "fromPort", /must not be given/],
        ["Egress", { securityGroupId: "sg-1", ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" }, "fromPort", /missing/],
        ["Instance", { ami: "a", instanceType: "t3.small" }, "primaryNetworkInterface", /missing/],
        ["Instance", { primaryNetworkInterface: { id: "x" } }, "primaryNetworkInterface.id", /does not know/],
        [
            "Instance",
            { metadataOptions: { httpTokens: "yes" } },
            "metadataOptions.httpTokens",
            /^expected metadata_options\.0\.http_tokens to be one of \["optional" "required"\], got yes$/,
        ],
        ["Instance", { userData: "x".repeat(16385) }, "userData", /16385 bytes: AWS allows 16384/],
        ["Volume", { availabilityZone: "eu-central-1a" }, "", /size and snapshotId/],
        ["Volume", { ...volume, size: 8, type: "io2" }, "iops", /^'iops' must be set when 'type' is 'io2'$/],
        ["Volume", { ...volume, size: 8, type: "io1", iops: 0 }, "iops", /^'iops' must be set when 'type' is 'io1'$/],
        [
            "Volume",
            { ...volume, size: 8, type: "gp2", iops: 100 },
            "iops",
            /^'iops' must not be set when 'type' is 'gp2'$/,
        ],
        ["Volume", { ...volume, size: 8, iops: 100 }, "iops", /^'iops' must not be set when 'type' is ''$/],
        ["Volume", { ...volume, size: 8, type: "io1", iops: 100, throughput: 125 }, "throughput", /must not be set/],
        ["Volume", { ...volume, size: 8, type: "gp3", throughput: 2001 }, "throughput", /not between 125 and 2000/],
        [
            "Instance",
            { rootBlockDevice: { volumeType: "gp2", throughput: -4 } },
            "rootBlockDevice.throughput",
            /above 0/,
        ],
        ["Instance", { ...machine, rootBlockDevice: { iops: 3000 } }, "rootBlockDevice.iops", /volumeType/],
        ["VolumeAttachment", { deviceName: "/dev/sda1" }, "deviceName", /\/dev\/sdf/],
        ["Record", { type: "A", records: ["192.0.2.1"] }, "zoneId", /missing/],
        [
            "Record",
            { zoneId: "z", name: "n", ttl: 60, type: "MX", records: ["x"] },
            "type",
            /A, AAAA, TXT, CAA, CNAME only, not MX/,
        ],
        [
            "Record",
            { zoneId: "z", name: "n", ttl: 60, type: "MMX", records: ["x"] },
            "type",
            /^expected type to be one of \["SOA" /,
        ],
        [
            "Record",
            { zoneId: "z", name: "n", ttl: -1, type: "A", records: ["x"] },
            "ttl",
            /range \(0 - 2147483647\), got -1/,
        ],
        [
            "Volume",
            { ...volume, size: 8, type: "gp9" },
            "type",
            /^expected type to be one of \["standard" .*"gp3"\], got gp9$/,
        ],
        [
            "Instance",
            { ...machine, rootBlockDevice: { volumeType: "gp9" } },
            "rootBlockDevice.volumeType",
            /^expected root_block_device\.0\.volume_type to be one of/,
        ],
        [
            "Instance",
            { ...machine, rootBlockDevice: { volumeType: "st1" } },
            "rootBlockDevice.volumeType",
            /no machine starts from it/,
        ],
        ["Eip", { domain: "public" }, "domain", /^expected domain to be one of \["vpc" "standard"\], got public$/],
        [
            "Instance",
            { ...machine, metadataOptions: { httpProtocolIpv6: "enabled" } },
            "metadataOptions.httpProtocolIpv6",
            /has not an IPv6 endpoint/,
        ],
    ])("of %s: %j is wrong in %s", async (type, inputs, property, reason) => {
        const { failures } = await cloud.check(type, inputs);
        const found = failures.filter((failure) => failure.property === property).map((failure) => failure.reason);
        expect(found.join()).toMatch(reason);
    });

    it("that are unknown pass", async () => {
        const { failures } = await cloud.check("Ingress", {
            securityGroupId: UNKNOWN,
            ipProtocol: UNKNOWN,
            cidrIpv4: UNKNOWN,
            tags: UNKNOWN,
        });
        expect(failures).toEqual([]);
    });

    it("of an unknown type are refused", async () => {
        await expect(cloud.check("aws:s3/bucket:Bucket", {})).rejects.toThrow(
            "has no resource type aws:s3/bucket:Bucket",
        );
    });

    it("keep a generated name", async () => {
        const { inputs } = await cloud.check("SecurityGroup", { vpcId: "vpc-1" });
        expect(inputs).toMatchObject({ name: "x-0102030", description: "Managed by Pulumi" });
        expect((await cloud.check("SecurityGroup", { vpcId: "vpc-1" }, { name: "x-old" })).inputs.name).toBe("x-old");
    });
});

describe("changes", () => {
    it.each<[property: string, value: Values, replaces: string[]]>([
        ["ami", { ami: "ami-0debian12labamd64" }, ["ami"]],
        ["instanceType", { instanceType: "t3.large" }, []],
        ["userData", { userData: "#!/bin/sh" }, []],
        ["userData", { userData: "#!/bin/sh", userDataReplaceOnChange: true }, ["userData"]],
        [
            "primaryNetworkInterface",
            { primaryNetworkInterface: { networkInterfaceId: UNKNOWN } },
            ["primaryNetworkInterface"],
        ],
        ["rootBlockDevice", { rootBlockDevice: { encrypted: true, volumeSize: 20 } }, ["rootBlockDevice"]],
        ["rootBlockDevice", { rootBlockDevice: { volumeSize: 20 } }, []],
        ["metadataOptions", { metadataOptions: { httpTokens: "required" } }, []],
    ])("of an instance's %s", async (property, value, replaces) => {
        const { card } = await cloud.network();
        const vm = await cloud.instance(card);
        const diff = await cloud.diff(vm, { ...cloud.instanceInputs(card), ...value });
        expect(diff.changed).toContain(property);
        expect(diff.replaces).toEqual(replaces);
    });

    it("of an instance stop it only for type and user data", async () => {
        const { card } = await cloud.network();
        const vm = await cloud.instance(card);
        const larger = await cloud
            .update(vm, { ...cloud.instanceInputs(card), instanceType: "m7i.large" })
            .catch(String);
        expect(larger).toMatch(/Unsupported: Your requested instance type \(m7i\.large\) is not supported/);
        await cloud.update(vm, { ...cloud.instanceInputs(card), instanceType: "t3.large" });
        expect((await cloud.state()).instances[vm.id]).toMatchObject({ instanceType: "t3.large", desired: "running" });
        const arm = cloud.update(vm, { ...cloud.instanceInputs(card), instanceType: "t4g.small" });
        await expect(arm).rejects.toThrow("does not match the architecture 'x86_64'");
    });

    it("in spelling or order are none", async () => {
        const record = {
            zoneId: "Z0LABEXAMPLETEST",
            name: "www.example.test",
            type: "A",
            ttl: 60,
            records: ["1.1.1.1", "2.2.2.2"],
        };
        const made = await cloud.make("Record", record);
        const diff = await cloud.diff(made, { ...record, name: "WWW.example.test.", records: ["2.2.2.2", "1.1.1.1"] });
        expect(diff.changed).toEqual([]);
        expect((await cloud.diff(made, { ...record, name: "w.example.test" })).replaces).toEqual(["name"]);
        expect((await cloud.diff(made, { ...record, ttl: 90 })).replaces).toEqual([]);
    });

    it("that leave a value to AWS are none", async () => {
        const made = await cloud.make("Volume", {
            availabilityZone: "eu-central-1a",
            size: 5,
            type: "gp3",
            encrypted: true,
        });
        expect((await cloud.diff(made, { availabilityZone: "eu-central-1a", size: 5 })).changed).toEqual([]);
        expect((await cloud.diff(made, { availabilityZone: "eu-central-1b", size: 5 })).replaces).toEqual([
            "availabilityZone",
        ]);
    });

    it("of the default tags touch what has tags", async () => {
        const vpc = await cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", tags: { Name: "n" } });
        expect(vpc.outputs.tagsAll).toEqual({ team: "infra", Name: "n" });
        cloud.provider.configure({ region: "eu-central-1", defaultTags: '{"tags":{"team":"other"}}' });
        expect((await cloud.diff(vpc, vpc.inputs)).changed).toEqual(["tagsAll"]);
        expect((await cloud.update(vpc, vpc.inputs)).outputs.tagsAll).toEqual({ team: "other", Name: "n" });
    });

    it("made elsewhere are seen by a refresh", async () => {
        const made = await cloud.make("Record", {
            zoneId: "Z0LABEXAMPLETEST",
            name: "www",
            type: "A",
            ttl: 60,
            records: ["1.1.1.1"],
        });
        expect((await cloud.read(made))?.outputs).toEqual(made.outputs);
        await cloud.store.change((state) => (state.records[made.id]!.values = ["9.9.9.9"]));
        expect((await cloud.read(made))?.inputs.records).toEqual(["9.9.9.9"]);
        await cloud.store.change((state) => delete state.records[made.id]);
        expect(await cloud.read(made)).toBeUndefined();
    });
});

describe("dependencies", () => {
    it("keep things from being deleted under others", async () => {
        const { vpc, gateway, subnet, group, card } = await cloud.network();
        const vm = await cloud.instance(card);
        const eip = await cloud.make("Eip", { domain: "vpc" });
        const link = await cloud.make("EipAssociation", { allocationId: eip.id, networkInterfaceId: card.id });
        const table = await cloud.make("RouteTable", { vpcId: vpc.id });
        const association = await cloud.make("RouteTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
        await expect(cloud.delete(vpc)).rejects.toThrow("DependencyViolation: The vpc");
        await expect(cloud.delete(subnet)).rejects.toThrow("DependencyViolation: The subnet");
        await expect(cloud.delete(group)).rejects.toThrow("has a dependent object");
        await expect(cloud.delete(card)).rejects.toThrow(`currently in use by ${vm.id}`);
        await expect(cloud.delete(gateway)).rejects.toThrow("mapped public address");
        await expect(cloud.delete(eip)).rejects.toThrow("InvalidIPAddress.InUse");
        await expect(cloud.delete(table)).rejects.toThrow("DependencyViolation: The routeTable");
        for (const made of [vm, link, eip, association, table, card, group, subnet, gateway, vpc])
            await cloud.delete(made);
        const { terminated, ...left } = await cloud.state();
        expect(Object.keys(terminated)).toEqual([vm.id]);
        expect({ ...left, terminated: {} }).toEqual({ ...(await TestCloud.create().state()), tags: {} });
    });

    it("let an interface have one machine", async () => {
        const { card } = await cloud.network();
        await cloud.instance(card);
        await expect(cloud.instance(card)).rejects.toThrow(
            "creating EC2 Instance: api error InvalidNetworkInterface.InUse",
        );
    });

    it("are not touched by a change of tags", async () => {
        const { gateway, card } = await cloud.network();
        const eip = await cloud.make("Eip", { domain: "vpc" });
        await cloud.make("EipAssociation", { allocationId: eip.id, networkInterfaceId: card.id });
        await cloud.update(gateway, { ...gateway.inputs, tags: { Name: "new" } });
        expect((await cloud.state()).tags?.[gateway.id]).toEqual({ team: "infra", Name: "new" });
    });

    it("need a gateway before an address", async () => {
        const vpc = await cloud.make("Vpc", { cidrBlock: "10.77.0.0/24" });
        const subnet = await cloud.make("Subnet", { vpcId: vpc.id, cidrBlock: "10.77.0.0/26" });
        const group = await cloud.make("SecurityGroup", { vpcId: vpc.id });
        const card = await cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: [group.id] });
        const eip = await cloud.make("Eip", { domain: "vpc" });
        const link = { allocationId: eip.id, networkInterfaceId: card.id };
        await expect(cloud.make("EipAssociation", link)).rejects.toThrow("is not attached to any internet gateway");
        await cloud.make("InternetGateway", { vpcId: vpc.id });
        await cloud.make("EipAssociation", link);
    });

    it("let an address move to another interface, unless that is not allowed", async () => {
        const { subnet, group, card } = await cloud.network();
        const other = await cloud.make("NetworkInterface", { subnetId: subnet.id, securityGroups: [group.id] });
        const eip = await cloud.make("Eip", { domain: "vpc" });
        const first = await cloud.make("EipAssociation", { allocationId: eip.id, networkInterfaceId: card.id });
        const link = { allocationId: eip.id, networkInterfaceId: other.id };
        await expect(cloud.make("EipAssociation", { ...link, allowReassociation: false })).rejects.toThrow(
            "Resource.AlreadyAssociated",
        );
        const moved = await cloud.make("EipAssociation", link);
        expect(await cloud.read(first)).toBeUndefined();
        await cloud.delete(first);
        expect((await cloud.read(moved))?.outputs.publicIp).toBe(eip.outputs.publicIp);
    });

    it("hold between volumes and machines", async () => {
        const { card } = await cloud.network();
        const vm = await cloud.instance(card);
        const elsewhere = await cloud.make("Volume", { availabilityZone: "eu-central-1b", size: 1 });
        const attach = (volumeId: string) => ({
            deviceName: "/dev/sdf",
            instanceId: vm.id,
            volumeId,
            stopInstanceBeforeDetaching: true,
        });
        await expect(cloud.make("VolumeAttachment", attach(elsewhere.id))).rejects.toThrow(
            "InvalidVolume.ZoneMismatch",
        );
        const volume = await cloud.make("Volume", { availabilityZone: "eu-central-1a", size: 1 });
        const attachment = await cloud.make("VolumeAttachment", attach(volume.id));
        const elsewise = { ...attach(volume.id), deviceName: "/dev/sdg" };
        await expect(cloud.make("VolumeAttachment", elsewise)).rejects.toThrow("VolumeInUse");
        await expect(cloud.delete(volume)).rejects.toThrow("VolumeInUse");
        await cloud.delete(attachment);
        const state = await cloud.state();
        expect(state.instances[vm.id]?.desired).toBe("stopped");
        expect(state.volumes[volume.id]?.attachment).toBeUndefined();
    });

    it("are asked for in vain where the provider does not look first: a machine or a volume terminated elsewhere", async () => {
        const { card } = await cloud.network();
        const volume = await cloud.make("Volume", { availabilityZone: "eu-central-1a", size: 1, finalSnapshot: true });
        const attach = async (more: Values) => {
            const vm = await cloud.instance(card);
            const link = { deviceName: "/dev/sdf", instanceId: vm.id, volumeId: volume.id, ...more };
            return { vm, attachment: await cloud.make("VolumeAttachment", link) };
        };
        const gone = async (more: Values) => {
            const { vm, attachment } = await attach(more);
            await cloud.store.change((state) => terminate(state, vm.id));
            return { vm, attachment };
        };
        const stopped = await gone({ stopInstanceBeforeDetaching: true });
        await expect(cloud.delete(stopped.attachment)).rejects.toThrow(
            `IncorrectInstanceState: This instance '${stopped.vm.id}' is not in a state from which it can be stopped`,
        );
        // AWS describes it for about an hour.
        await cloud.store.change((state) => (state.terminated[stopped.vm.id] = "2026-01-01T00:00:00Z"));
        await expect(cloud.delete(stopped.attachment)).rejects.toThrow("InvalidInstanceID.NotFound");
        await cloud.delete(stopped.vm);
        for (const more of [{}, { skipDestroy: true }] as Values[]) {
            const { vm, attachment } = await gone(more);
            await cloud.delete(attachment);
            await cloud.delete(vm);
        }
        const busy = await attach({});
        // A stack of before is told how to detach in place.
        const { changed, replaces } = await cloud.diff(busy.attachment, {
            ...busy.attachment.inputs,
            skipDestroy: true,
        });
        expect({ changed, replaces }).toEqual({ changed: ["skipDestroy"], replaces: [] });
        await expect(cloud.delete(busy.attachment)).rejects.toThrow("unexpected state 'busy'");
        expect((await cloud.state()).volumes[volume.id]?.attachment?.instanceId).toBe(busy.vm.id);
        await cloud.store.change((state) => delete state.volumes[volume.id]);
        await expect(cloud.delete(busy.attachment)).rejects.toThrow("InvalidVolume.NotFound");
        await expect(cloud.delete(volume)).rejects.toThrow("InvalidVolume.NotFound");
        await cloud.delete({ ...volume, outputs: { ...volume.outputs, finalSnapshot: false } });
    });

    it("hold between routes, gateways and networks", async () => {
        const { vpc, gateway } = await cloud.network();
        const table = await cloud.make("RouteTable", { vpcId: vpc.id });
        const route = { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id };
        await cloud.make("Route", route);
        await expect(cloud.make("Route", route)).rejects.toThrow("RouteAlreadyExists");
        const other = await cloud.make("Vpc", { cidrBlock: "10.77.1.0/24" });
        const foreign = await cloud.make("RouteTable", { vpcId: other.id });
        await expect(cloud.make("Route", { ...route, routeTableId: foreign.id })).rejects.toThrow(
            "belong to different networks",
        );
        expect(other.outputs.ipv6CidrBlock).toBe("");
    });
});

describe("names", () => {
    const record = { zoneId: "Z0LABEXAMPLETEST", name: "www.example.test", type: "A", ttl: 60, records: ["1.1.1.1"] };

    it("are not overwritten unless asked", async () => {
        await cloud.make("Record", record, "first");
        await expect(cloud.make("Record", record)).rejects.toThrow(
            "Tried to create resource record set [name='www.example.test.', type='A'] but it already exists",
        );
        await cloud.make("Record", { ...record, allowOverwrite: true, records: ["2.2.2.2"] });
        expect(Object.values((await cloud.state()).records)).toMatchObject([{ values: ["2.2.2.2"] }]);
    });

    it.each(["www.example.org", "notexample.test"])("outside the zone are refused: %s", async (name) => {
        await expect(cloud.make("Record", { ...record, name })).rejects.toThrow(
            "is not permitted in zone example.test.",
        );
    });

    it("may be relative and of any case", async () => {
        const made = await cloud.make("Record", { ...record, name: "WWW" });
        expect(made.outputs).toMatchObject({ fqdn: "www.example.test", name: "WWW" });
    });
});
