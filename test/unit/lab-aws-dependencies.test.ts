import { beforeEach, describe, expect, it } from "vitest";
import { terminate } from "../../lab/providers/aws/instances.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

describe("dependencies", () => {
    it("prevent the deletion of objects in use", async () => {
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

    it("keep a group that a rule of another group refers to, and no rule refers to a foreign network", async () => {
        const { vpc, group } = await cloud.network();
        const balancer = await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "balancer" });
        const rule = (referencedSecurityGroupId: string, port: number): [string, Values] => [
            "Ingress",
            { securityGroupId: group.id, ipProtocol: "tcp", fromPort: port, toPort: port, referencedSecurityGroupId },
        ];
        const made = await cloud.make(...rule(balancer.id, 443));
        await expect(cloud.make(...rule(balancer.id, 443))).rejects.toThrow(
            `InvalidPermission.Duplicate: the specified rule "peer: ${balancer.id}, TCP, from port: 443`,
        );
        await expect(cloud.delete(balancer)).rejects.toThrow(
            `DependencyViolation: resource ${balancer.id} has a dependent object`,
        );
        const elsewhere = await cloud.make("Vpc", { cidrBlock: "10.77.1.0/24" });
        const foreign = await cloud.make("SecurityGroup", { vpcId: elsewhere.id });
        const networks = "InvalidGroup.NotFound: You have specified two resources that belong to different networks.";
        await expect(cloud.make(...rule(foreign.id, 80))).rejects.toThrow(networks);
        await expect(cloud.update(made, rule(foreign.id, 443)[1])).rejects.toThrow(networks);
        await expect(cloud.make(...rule("sg-0gone", 80))).rejects.toThrow(
            "The security group 'sg-0gone' does not exist",
        );
        await cloud.delete(made);
        await cloud.make("Ingress", { ...rule(balancer.id, 22)[1], securityGroupId: balancer.id });
        await cloud.delete(balancer);
        const own = await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "own", revokeRulesOnDelete: true });
        await cloud.make("Ingress", { ...rule(own.id, 22)[1], securityGroupId: own.id });
        await cloud.make(...rule(own.id, 22));
        await cloud.delete(own);
        expect((await cloud.state()).securityGroupRules).toEqual({});
    });

    it("allow one machine for an interface", async () => {
        const { card } = await cloud.network();
        await cloud.instance(card);
        await expect(cloud.instance(card)).rejects.toThrow(
            "creating EC2 Instance: api error InvalidNetworkInterface.InUse",
        );
    });

    it("stay when tags change", async () => {
        const { gateway, card } = await cloud.network();
        const eip = await cloud.make("Eip", { domain: "vpc" });
        await cloud.make("EipAssociation", { allocationId: eip.id, networkInterfaceId: card.id });
        await cloud.update(gateway, { ...gateway.inputs, tags: { Name: "new" } });
        expect((await cloud.state()).tags?.[gateway.id]).toEqual({ team: "infra", Name: "new" });
    });

    it("require an internet gateway before an elastic address is associated", async () => {
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

    it("allow an address to move to another interface, unless reassociation is off", async () => {
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

    it("cause AWS's error where the provider does not look first: a machine or a volume terminated elsewhere", async () => {
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
        // AWS describes a terminated instance for about an hour.
        await cloud.store.change((state) => (state.terminated[stopped.vm.id] = "2026-01-01T00:00:00Z"));
        await expect(cloud.delete(stopped.attachment)).rejects.toThrow("InvalidInstanceID.NotFound");
        await cloud.delete(stopped.vm);
        for (const more of [{}, { skipDestroy: true }] as Values[]) {
            const { vm, attachment } = await gone(more);
            await cloud.delete(attachment);
            await cloud.delete(vm);
        }
        const busy = await attach({});
        // In an older stack, the properties for detaching change in place.
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

    it("may be relative and in any case", async () => {
        const made = await cloud.make("Record", { ...record, name: "WWW" });
        expect(made.outputs).toMatchObject({ fqdn: "www.example.test", name: "WWW" });
    });
});
