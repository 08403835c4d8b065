import { beforeEach, describe, expect, it } from "vitest";
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
    const launched = { ami: "a", instanceType: "t3.small", subnetId: "subnet-1", vpcSecurityGroupIds: ["sg-1"] };
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
        ["Ingress", rule, "", /exactly one of cidrIpv4, cidrIpv6, referencedSecurityGroupId/],
        ["Ingress", { ...rule, cidrIpv4: "0.0.0.0/0", referencedSecurityGroupId: UNKNOWN }, "", /exactly one of/],
        ["Ingress", { ...rule, toPort: 70000, cidrIpv4: "0.0.0.0/0" }, "toPort", /out of range/],
        ["Egress", { ...rule, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }, "fromPort", /must not be given/],
        ["Egress", { securityGroupId: "sg-1", ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" }, "fromPort", /missing/],
        ["Instance", { ami: "a", instanceType: "t3.small" }, "subnetId", /missing .* without primaryNetworkInterface/],
        [
            "Instance",
            { ...launched, vpcSecurityGroupIds: [] },
            "vpcSecurityGroupIds",
            /missing .*: the lab has no default groups/,
        ],
        [
            "Instance",
            { ...machine, associatePublicIpAddress: false },
            "primaryNetworkInterface",
            /^"primary_network_interface": conflicts with associate_public_ip_address$/,
        ],
        [
            "Instance",
            { ...machine, ipv6AddressCount: 1 },
            "primaryNetworkInterface",
            /conflicts with ipv6_address_count$/,
        ],
        ["Instance", { ...machine, subnetId: UNKNOWN }, "primaryNetworkInterface", /conflicts with subnet_id$/],
        [
            "Instance",
            { ...machine, vpcSecurityGroupIds: ["sg-1"] },
            "primaryNetworkInterface",
            /conflicts with vpc_security_group_ids$/,
        ],
        ["Instance", { ...launched, ipv6AddressCount: 16 }, "ipv6AddressCount", /not between 0 and 15/],
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
            /has no IPv6 endpoint/,
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

    it("of a rule's group are made in place, from a group to a network by replacement", async () => {
        const { vpc, group } = await cloud.network();
        const [first, second] = [await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "a" }), group];
        const inputs = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 443, toPort: 443 };
        const rule = await cloud.make("Ingress", { ...inputs, referencedSecurityGroupId: first.id });
        expect(await cloud.diff(rule, { ...inputs, cidrIpv4: "0.0.0.0/0" })).toMatchObject({
            replaces: ["cidrIpv4", "referencedSecurityGroupId"],
        });
        const news = { ...inputs, referencedSecurityGroupId: second.id };
        expect((await cloud.diff(rule, news)).replaces).toEqual([]);
        const changed = await cloud.update(rule, news);
        expect((await cloud.read(changed))?.inputs.referencedSecurityGroupId).toBe(second.id);
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

    it("in spelling or order are no changes", async () => {
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

    it("that leave a value to AWS are no changes", async () => {
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

    it("of the default tags update only resources with tags", async () => {
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
