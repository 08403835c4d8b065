import { beforeAll, expect, it } from "vitest";
import type { Values } from "../../lab/providers/property-values.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
let made: Record<"vpc" | "gateway" | "subnet", Made>;
beforeAll(async () => {
    cloud = TestCloud.create();
    made = await cloud.network();
});

const AMI = "aws:ec2/getAmi:getAmi";
const debian = { owners: ["136693071363"], filters: [{ name: "name", values: ["debian-13-amd64-*"] }] };

it.each<[token: string, args: Values, result: Values]>([
    [AMI, { ...debian, mostRecent: true }, { imageId: "ami-0debian13labamd64", architecture: "x86_64" }],
    [
        "aws:ec2/getInstanceType:getInstanceType",
        { instanceType: "t3.small" },
        { hypervisor: "nitro", supportedArchitectures: ["x86_64"] },
    ],
    ["aws:ec2/getInstanceType:getInstanceType", { instanceType: "t2.micro" }, { hypervisor: "xen" }],
    [
        "aws:ec2/getInstanceType:getInstanceType",
        { instanceType: "m7g.large" },
        { supportedArchitectures: ["arm64"], memorySize: 8192 },
    ],
    [
        "aws:route53/getZone:getZone",
        { name: "Example.test.", privateZone: false },
        { zoneId: "Z0LABEXAMPLETEST", name: "example.test" },
    ],
    ["aws:route53/getZone:getZone", { zoneId: "Z0LABEXAMPLETEST" }, { name: "example.test" }],
    [
        "aws:servicequotas/getServiceQuota:getServiceQuota",
        { serviceCode: "vpc", quotaCode: "L-0EA8095F" },
        { quotaName: "Inbound or outbound rules per security group", value: 60 },
    ],
    [
        "aws:servicequotas/getServiceQuota:getServiceQuota",
        { serviceCode: "acm", quotaCode: "L-FB94F0B0" },
        { quotaName: "Domain names per ACM certificate", value: 10 },
    ],
    ["aws:ec2/getEips:getEips", {}, { allocationIds: [] }],
    ["aws:route53/getZones:getZones", {}, { ids: ["Z0LABEXAMPLETEST"] }],
    ["aws:index/getPartition:getPartition", {}, { partition: "aws", dnsSuffix: "amazonaws.com" }],
    [
        "aws:index/getAvailabilityZones:getAvailabilityZones",
        { filters: [{ name: "zone-type", values: ["availability-zone"] }] },
        { names: ["eu-central-1a", "eu-central-1b", "eu-central-1c"], zoneIds: ["euc1-az1", "euc1-az2", "euc1-az3"] },
    ],
    [
        "aws:index/getAvailabilityZones:getAvailabilityZones",
        { state: "available", excludeNames: ["eu-central-1b", "eu-central-1c"] },
        {
            names: ["eu-central-1-ham-1a", "eu-central-1a"],
            zoneIds: ["euc1-ham1-az1", "euc1-az1"],
            groupNames: ["eu-central-1-ham-1", "eu-central-1"],
        },
    ],
    [
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        { locationType: "availability-zone", filters: [{ name: "instance-type", values: ["t3.small"] }] },
        { locations: ["eu-central-1-ham-1a", "eu-central-1a", "eu-central-1b", "eu-central-1c"] },
    ],
    [
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        { locationType: "availability-zone", filters: [{ name: "instance-type", values: ["m7i.large"] }] },
        { locations: ["eu-central-1b", "eu-central-1c"], instanceTypes: ["m7i.large", "m7i.large"] },
    ],
])("%s %j", async (token, args, result) => {
    expect(await cloud.invoke(token, args)).toMatchObject(result);
});

it.each<[token: string, args: Values, message: string]>([
    [AMI, { ...debian, owners: ["self"] }, "Your query returned no results"],
    [AMI, { filters: [{ name: "name", values: ["debian-*"] }] }, "returned more than one result"],
    [AMI, { filters: [{ name: "colour", values: ["red"] }] }, "The filter 'colour' is invalid"],
    [AMI, { filters: [{ name: "name" }] }, "every filter needs a name"],
    [AMI, { nmae: "x" }, 'does not know the property "nmae"'],
    ["aws:ec2/getInstanceType:getInstanceType", { instanceType: "t9.huge" }, "do not exist: [t9.huge]"],
    ["aws:route53/getZone:getZone", { name: "test" }, "no matching Route 53 Hosted Zone found"],
    [
        "aws:route53/getZone:getZone",
        { name: "example.test", privateZone: true },
        "no matching Route 53 Hosted Zone found",
    ],
    ["aws:route53/getZone:getZone", { zoneId: "Z1" }, "NoSuchHostedZone: No hosted zone found with ID: Z1"],
    ["aws:ec2/getSubnet:getSubnet", { id: "subnet-1" }, "no matching EC2 Subnet found"],
    [
        "aws:servicequotas/getServiceQuota:getServiceQuota",
        { serviceCode: "vpc", quotaCode: "L-1" },
        "NoSuchResourceException",
    ],
    ["aws:s3/getBucket:getBucket", {}, "has no function aws:s3/getBucket:getBucket"],
])("%s %j fails", async (token, args, message) => {
    await expect(cloud.invoke(token, args)).rejects.toThrow(message);
});

it("finds an existing subnet", async () => {
    const subnet = await cloud.invoke("aws:ec2/getSubnet:getSubnet", { id: made.subnet.id });
    expect(subnet).toMatchObject({ vpcId: made.vpc.id, cidrBlock: "10.77.0.0/24", availabilityZone: "eu-central-1a" });
    expect(subnet.ipv6CidrBlock).toBe(made.subnet.outputs.ipv6CidrBlock);
});

it("finds a subnet's own route table, and the VPC's main one", async () => {
    const [one, all] = ["aws:ec2/getRouteTable:getRouteTable", "aws:ec2/getRouteTables:getRouteTables"];
    const { vpc, gateway, subnet } = made;
    const by = (name: string, value: string) => ({ vpcId: vpc.id, filters: [{ name, values: [value] }] });
    await expect(cloud.invoke(one, { subnetId: subnet.id })).rejects.toThrow("query returned no results");
    expect((await cloud.invoke(all, by("association.subnet-id", subnet.id))).ids).toEqual([]);
    const [main] = (await cloud.invoke(all, by("association.main", "true"))).ids as string[];
    expect(await cloud.invoke(one, { routeTableId: main! })).toMatchObject({ routes: [] });

    const table = await cloud.make("RouteTable", { vpcId: vpc.id });
    await expect(cloud.invoke(one, { vpcId: vpc.id })).rejects.toThrow("multiple Route Tables matched");
    await cloud.make("RouteTableAssociation", { subnetId: subnet.id, routeTableId: table.id });
    await cloud.make("Route", { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id });
    expect((await cloud.invoke(all, by("association.subnet-id", subnet.id))).ids).toEqual([table.id]);
    expect((await cloud.invoke(all, by("association.main", "false"))).ids).toEqual([table.id]);
    expect((await cloud.invoke(all, by("association.main", "true"))).ids).toEqual([main]);
    expect(await cloud.invoke(one, { subnetId: subnet.id })).toMatchObject({
        routeTableId: table.id,
        routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id, natGatewayId: "" }],
    });
});
