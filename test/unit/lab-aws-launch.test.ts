import { beforeEach, describe, expect, it } from "vitest";
import { renderRuleset } from "../../lab/network/packet-filter.ts";
import { terminate } from "../../lab/providers/aws/instances.ts";
import { Caller } from "../../lab/providers/aws/rights/caller.ts";
import { DOCUMENTS } from "../../lab/providers/aws/rights/deployer.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { answerMetadata } from "../../lab/services/aws/metadata.ts";
import { Sessions } from "../../lab/services/aws/sessions.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

const FIRST = "10.77.143.252";
const SECOND = "10.77.143.251";

let cloud: TestCloud;
let subnet: Made;
let group: Made;
let network: Awaited<ReturnType<TestCloud["network"]>>;

beforeEach(async () => {
    cloud = TestCloud.create();
    network = await cloud.network();
    ({ subnet, group } = network);
});

const inputs = (more: Values = {}): Values => ({
    ...{ ami: "ami-0debian13labamd64", instanceType: "t3.small" },
    ...{ subnetId: subnet.id, vpcSecurityGroupIds: [group.id], ipv6AddressCount: 1, associatePublicIpAddress: true },
    ...more,
});
const launch = (more?: Values) => cloud.make("Instance", inputs(more));
const interfaceOf = async (machine: Made) => {
    const { networkInterfaces, instances } = await cloud.state();
    return networkInterfaces[instances[machine.id]!.networkInterfaceId]!;
};

/** Routes to the internet, without which nothing reaches a public address. */
async function routes(): Promise<void> {
    const table = await cloud.make("RouteTable", { vpcId: network.vpc.id });
    const out = { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: network.gateway.id };
    await cloud.make("Route", out);
    await cloud.make("RouteTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
}

describe("a machine launched without an interface of its own", () => {
    it("gets one, with addresses of both families and an automatic public one, which is reached like an elastic one", async () => {
        await routes();
        const [one, two] = [await launch(), await launch()];
        const own = await interfaceOf(one);
        expect(one.outputs).toMatchObject({
            ...{ publicIp: FIRST, associatePublicIpAddress: true, ipv6AddressCount: 1 },
            ...{ subnetId: subnet.id, vpcSecurityGroupIds: [group.id], privateIp: own.privateIp },
            ...{ ipv6Addresses: own.ipv6Addresses, primaryNetworkInterfaceId: own.id },
        });
        expect(own.ipv6Addresses).toHaveLength(1);
        expect(two.outputs.publicIp).toBe(SECOND);
        const state = await cloud.state();
        expect(renderRuleset(cloud.store.lab, state)).toContain(
            `\n        ip daddr ${FIRST} dnat ip to ${own.privateIp}\n`,
        );
        const asked = {
            path: "/latest/meta-data/instance-id",
            method: "GET",
            headers: {},
            query: new URLSearchParams(),
            body: "",
        };
        await cloud.store.change(
            ({ instances }) => (instances[two.id]!.metadata = { endpoint: "enabled", tokens: "optional" }),
        );
        const answer = answerMetadata(await cloud.state(), new Sessions("secret"), { ...asked, address: SECOND });
        expect(answer.body).toBe(two.id);
    });

    it("loses them when it ends, and elastic addresses take others", async () => {
        const [one, two] = [await launch(), await launch()];
        expect((await cloud.make("Eip", { domain: "vpc" })).outputs.publicIp).toBe("10.77.143.1");
        await expect(cloud.delete(subnet)).rejects.toThrow("DependencyViolation");
        await expect(cloud.delete(network.gateway)).rejects.toThrow("mapped public address");
        await cloud.delete(one);
        await cloud.store.change((state) => terminate(state, two.id));
        expect(Object.keys((await cloud.state()).networkInterfaces)).toEqual([network.card.id]);
        await cloud.delete(network.gateway);
        expect((await launch()).outputs.publicIp).toBe(FIRST);
    });

    it("leaves an interface that existed", async () => {
        const machine = await cloud.instance(network.card);
        await cloud.delete(machine);
        expect(Object.keys((await cloud.state()).networkInterfaces)).toEqual([network.card.id]);
    });

    it("is public as its subnet says, if it does not say it itself", async () => {
        const isPublic = async (more: Values) => (await launch(more)).outputs.associatePublicIpAddress;
        const automatic = { associatePublicIpAddress: null };
        expect(await isPublic(automatic)).toBe(false);
        await cloud.update(subnet, { ...subnet.inputs, mapPublicIpOnLaunch: true });
        expect(await isPublic(automatic)).toBe(true);
        expect(await isPublic({ associatePublicIpAddress: false })).toBe(false);
        const block = { cidrBlock: "10.77.1.0/24", vpcId: (await cloud.make("Vpc", { cidrBlock: "10.77.1.0/24" })).id };
        const other = await cloud.make("Subnet", { ...block, mapPublicIpOnLaunch: true });
        expect((await cloud.state()).subnets[other.id]?.mapPublicIpOnLaunch).toBe(true);
        await cloud.update(subnet, subnet.inputs);
        expect(await isPublic(automatic)).toBe(false);
    });

    it("is in its subnet's zone", async () => {
        const ipv6CidrBlock = (network.vpc.outputs.ipv6CidrBlock as string).replace("00::/56", "01::/64");
        const vpc = { vpcId: network.vpc.id, cidrBlock: "10.77.0.0/26" };
        await cloud.delete(network.card);
        await cloud.delete(subnet);
        const zones = ["eu-central-1a", "eu-central-1b"];
        const subnets = [
            await cloud.make("Subnet", {
                ...vpc,
                availabilityZone: zones[0]!,
                ipv6CidrBlock: subnet.inputs.ipv6CidrBlock!,
            }),
            await cloud.make("Subnet", {
                ...vpc,
                cidrBlock: "10.77.0.64/26",
                availabilityZone: zones[1]!,
                ipv6CidrBlock,
            }),
        ];
        for (const [index, { id }] of subnets.entries()) {
            expect((await launch({ subnetId: id })).outputs.availabilityZone).toBe(zones[index]);
        }
    });

    it("has another public address after a stop, but none beside an elastic one", async () => {
        const [machine, other] = [await launch(), await launch({ associatePublicIpAddress: false })];
        const changed = await cloud.update(machine, inputs({ instanceType: "t3.medium" }));
        expect(changed.outputs).toMatchObject({ publicIp: SECOND, associatePublicIpAddress: true });
        expect(
            (await cloud.update(other, inputs({ associatePublicIpAddress: false, instanceType: "t3.medium" }))).outputs
                .publicIp,
        ).toBe("");
        const address = await cloud.make("Eip", { domain: "vpc" });
        const { id: networkInterfaceId } = await interfaceOf(machine);
        await cloud.make("EipAssociation", { allocationId: address.id, networkInterfaceId });
        expect((await interfaceOf(machine)).publicIp).toBeUndefined();
        await cloud.update(changed, inputs());
        expect((await interfaceOf(machine)).publicIp).toBeUndefined();
        expect((await cloud.read(machine))?.outputs.publicIp).toBe(address.outputs.publicIp);
    });

    it("has no public address while it is stopped, which a refresh sees", async () => {
        const volume = await cloud.make("Volume", { availabilityZone: "eu-central-1a", size: 1 });
        const machine = await launch();
        const link = { deviceName: "/dev/sdf", instanceId: machine.id, volumeId: volume.id };
        await cloud.delete(await cloud.make("VolumeAttachment", { ...link, stopInstanceBeforeDetaching: true }));
        expect((await cloud.read(machine))?.inputs.associatePublicIpAddress).toBe(false);
    });

    it("changes groups and the number of IPv6 addresses in place, and is replaced for a subnet or a public address", async () => {
        const machine = await launch();
        const second = await cloud.make("SecurityGroup", { vpcId: network.vpc.id, name: "second" });
        const news = inputs({ vpcSecurityGroupIds: [second.id], ipv6AddressCount: 2 });
        expect(await cloud.diff(machine, news)).toEqual({
            changed: ["vpcSecurityGroupIds", "ipv6AddressCount"],
            replaces: [],
        });
        const [before] = machine.outputs.ipv6Addresses as string[];
        const { outputs } = await cloud.update(machine, news);
        expect(outputs).toMatchObject({ vpcSecurityGroupIds: [second.id], ipv6AddressCount: 2 });
        expect((outputs.ipv6Addresses as string[])[0]).toBe(before);
        const elsewhere = inputs({ subnetId: "subnet-0", associatePublicIpAddress: false });
        expect((await cloud.diff(machine, elsewhere)).replaces).toEqual(["subnetId", "associatePublicIpAddress"]);
        const computed = { associatePublicIpAddress: null, ipv6AddressCount: null };
        expect((await cloud.diff(machine, inputs(computed))).changed).toEqual([]);
        await expect(cloud.update(machine, inputs({ vpcSecurityGroupIds: ["sg-0gone"] }))).rejects.toThrow(
            "InvalidGroup.NotFound",
        );
    });

    it("takes the subnet's default for IPv6 if the count is 0", async () => {
        await cloud.update(subnet, { ...subnet.inputs, assignIpv6AddressOnCreation: true });
        expect((await launch({ ipv6AddressCount: 0 })).outputs.ipv6AddressCount).toBe(1);
    });

    it("needs the right to make an interface", async () => {
        const base = structuredClone(DOCUMENTS.base!);
        for (const statement of base.Statement) {
            const only = (arn: string) => !arn.includes(":network-interface/");
            if ([statement.Action].flat().includes("ec2:RunInstances"))
                statement.Resource = [statement.Resource ?? []].flat().filter(only);
        }
        const caller = new Caller([...Object.values({ ...DOCUMENTS, base })]);
        cloud = TestCloud.create(undefined, caller);
        const tags = { Name: "linkmesh-x" };
        const vpc = await cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", tags });
        subnet = await cloud.make("Subnet", { vpcId: vpc.id, cidrBlock: "10.77.0.0/24", tags });
        group = await cloud.make("SecurityGroup", { vpcId: vpc.id, name: "linkmesh", tags });
        await expect(launch({ ipv6AddressCount: null, tags })).rejects.toThrow(
            "ec2:RunInstances on resource: arn:aws:ec2:eu-central-1:000000000000:network-interface/new",
        );
    });
});
