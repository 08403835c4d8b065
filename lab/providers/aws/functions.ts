import { IMAGES, type Image } from "../../cloud/images.ts";
import { ACCOUNT, ZONE_ID } from "../../cloud/state.ts";
import { LAB_ZONE } from "../../lab.ts";
import { ProviderError } from "../provider.ts";
import { newest, single } from "./lookup-results.ts";
import { canonicalName } from "./dns.ts";
import { filters, filtersOf, matches, only } from "./filters.ts";
import { FAMILY_NAMES, INSTANCE_TYPES, findInstanceType, isOffered } from "./instance-types.ts";
import { subnet } from "./network.ts";
import { getEips, getServiceQuota } from "./quota-functions.ts";
import { getPartition, getRegion } from "./regions.ts";
import { ApiError, type CloudFunction, optionalText, text } from "./resource-type.ts";
import { getRouteTable, getRouteTables } from "./route-tables.ts";
import { getSnapshot, getSnapshotIds } from "./snapshots.ts";
import { getEbsVolumes, getVolume } from "./volumes.ts";
import { getAvailabilityZones, localZoneOf, zoneId, zonesOf } from "./zones.ts";

const getAmi: CloudFunction = {
    inputs: {
        owners: { kind: "strings" },
        filters,
        mostRecent: { kind: "boolean" },
        nameRegex: { kind: "string" },
        includeDeprecated: { kind: "boolean" },
    },
    call(cloud, args) {
        const owners = args.owners as string[] | undefined;
        const found = IMAGES.map(imageAttributes)
            .filter((image) => !owners?.length || owners.includes(image["owner-id"]))
            .filter((image) => filtersOf(args).every((filter) => matches(image, filter)))
            .filter((image) => !args.nameRegex || new RegExp(text(args, "nameRegex")).test(image.name))
            .sort((a, b) => (a["creation-date"] < b["creation-date"] ? 1 : -1));
        const image = newest(found, args);
        const id = image["image-id"];
        return {
            ...args,
            id,
            imageId: id,
            name: image.name,
            arn: `arn:aws:ec2:${cloud.region}::image/${id}`,
            architecture: image.architecture,
            blockDeviceMappings: [{ deviceName: image["root-device-name"], ebs: { volume_size: "8" } }],
            creationDate: image["creation-date"],
            hypervisor: "xen",
            imageType: "machine",
            ownerId: image["owner-id"],
            public: image["owner-id"] !== ACCOUNT,
            region: cloud.region,
            rootDeviceName: image["root-device-name"],
            rootDeviceType: image["root-device-type"],
            state: image.state,
            tags: {},
            virtualizationType: image["virtualization-type"],
        };
    },
};

const getInstanceType: CloudFunction = {
    inputs: { instanceType: { kind: "string", required: true } },
    call({ region }, args) {
        const name = text(args, "instanceType");
        const type = findInstanceType(name);
        if (!type) {
            throw new ApiError(
                "InvalidInstanceType",
                `The following supplied instance types do not exist: [${name}] (the lab knows the families ${FAMILY_NAMES.join(", ")})`,
            );
        }
        const isNitro = type.hypervisor === "nitro";
        return {
            id: name,
            instanceType: name,
            region,
            autoRecoverySupported: true,
            bareMetal: false,
            burstablePerformanceSupported: type.burstable,
            currentGeneration: isNitro,
            defaultVcpus: type.vcpus,
            ebsEncryptionSupport: "supported",
            ebsNvmeSupport: isNitro ? "required" : "unsupported",
            enaSupport: isNitro ? "required" : "unsupported",
            hypervisor: type.hypervisor,
            ipv6Supported: true,
            memorySize: type.memoryMiB,
            supportedArchitectures: type.architectures,
            supportedRootDeviceTypes: ["ebs"],
            supportedVirtualizationTypes: ["hvm"],
        };
    },
};

const getInstanceTypeOfferings: CloudFunction = {
    inputs: { filters, locationType: { kind: "string" } },
    call({ region }, args) {
        const locationType = optionalText(args, "locationType") ?? "region";
        const offerings = INSTANCE_TYPES.flatMap((type) =>
            locationsOf(region, locationType)
                .filter(([, zones]) => zones.some((zone) => isOffered(type, zone)))
                .map(([location]) => ({ "instance-type": type.name, location })),
        ).filter((offering) => filtersOf(args).every((filter) => matches(offering, filter)));
        return {
            ...args,
            id: region,
            region,
            instanceTypes: offerings.map((offering) => offering["instance-type"]),
            locations: offerings.map((offering) => offering.location),
            locationTypes: offerings.map(() => locationType),
        };
    },
};

const getSubnet: CloudFunction = {
    inputs: {
        id: { kind: "string" },
        vpcId: { kind: "string" },
        cidrBlock: { kind: "string" },
        availabilityZone: { kind: "string" },
        filters,
        tags: { kind: "tags" },
    },
    call(cloud, args) {
        const { id, vpcId } = only(cloud.state, args, "EC2 Subnet", Object.values(cloud.state.subnets), (item) => ({
            id: item.id,
            "subnet-id": item.id,
            vpcId: item.vpcId,
            "vpc-id": item.vpcId,
            cidrBlock: item.cidrBlock,
            "cidr-block": item.cidrBlock,
            availabilityZone: item.availabilityZone,
            "availability-zone": item.availabilityZone,
        }));
        return {
            ...subnet.describe(cloud, id, {}),
            id,
            vpcId,
            defaultForAz: false,
            ownerId: ACCOUNT,
            region: cloud.region,
            state: "available",
            tags: cloud.state.tags?.[id] ?? {},
        };
    },
};

const getZone: CloudFunction = {
    inputs: { name: { kind: "string" }, zoneId: { kind: "string" }, privateZone: { kind: "boolean" } },
    call({ state }, args) {
        const name = optionalText(args, "name");
        const zone = optionalText(args, "zoneId");
        if ((name === undefined) === (zone === undefined)) throw new ProviderError("give one of name and zoneId");
        if (zone !== undefined && zone !== ZONE_ID) {
            throw new ApiError("NoSuchHostedZone", `No hosted zone found with ID: ${zone}`);
        }
        const isOther = args.privateZone === true || (name !== undefined && canonicalName(name) !== LAB_ZONE);
        single("Route 53 Hosted Zone", isOther ? [] : [LAB_ZONE]);
        return {
            id: ZONE_ID,
            zoneId: ZONE_ID,
            name: LAB_ZONE,
            arn: `arn:aws:route53:::hostedzone/${ZONE_ID}`,
            comment: "",
            nameServers: [`ns1.${LAB_ZONE}`],
            primaryNameServer: `ns1.${LAB_ZONE}`,
            privateZone: false,
            // Route 53 also counts the zone's own SOA and NS records.
            resourceRecordSetCount: Object.keys(state.records).length + 2,
            tags: {},
        };
    },
};

const getZones: CloudFunction = {
    inputs: {},
    call: ({ region }) => ({ id: region, ids: [ZONE_ID] }),
};

/** Every function of the lab's AWS, by token. */
export const FUNCTIONS: Record<string, CloudFunction> = {
    "aws:ebs/getEbsVolumes:getEbsVolumes": getEbsVolumes,
    "aws:ebs/getSnapshot:getSnapshot": getSnapshot,
    "aws:ebs/getSnapshotIds:getSnapshotIds": getSnapshotIds,
    "aws:ebs/getVolume:getVolume": getVolume,
    "aws:ec2/getAmi:getAmi": getAmi,
    "aws:ec2/getEips:getEips": getEips,
    "aws:ec2/getInstanceType:getInstanceType": getInstanceType,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,
    "aws:ec2/getRouteTable:getRouteTable": getRouteTable,
    "aws:ec2/getRouteTables:getRouteTables": getRouteTables,
    "aws:ec2/getSubnet:getSubnet": getSubnet,
    "aws:route53/getZone:getZone": getZone,
    "aws:route53/getZones:getZones": getZones,
    "aws:index/getPartition:getPartition": getPartition,
    "aws:index/getRegion:getRegion": getRegion,
    "aws:servicequotas/getServiceQuota:getServiceQuota": getServiceQuota,
    "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
};

function imageAttributes({ imageId, name, architecture, owner, rootDeviceName }: Image) {
    const [, year, month, day] = /-(\d{4})(\d\d)(\d\d)(-|$)/.exec(name) ?? [];
    return {
        "image-id": imageId,
        name: name as string,
        architecture: architecture as string,
        "owner-id": owner,
        "creation-date": `${year}-${month}-${day}T00:00:00.000Z`,
        "virtualization-type": "hvm",
        "root-device-type": "ebs",
        "root-device-name": rootDeviceName,
        state: "available",
        "image-type": "machine",
        "is-public": "true",
    };
}

/** Each location of this type, with its availability zones. */
function locationsOf(region: string, locationType: string): [location: string, zones: string[]][] {
    const zones = [localZoneOf(region), ...zonesOf(region)];
    if (locationType === "region") return [[region, zones]];
    if (locationType === "availability-zone") return zones.map((zone) => [zone, [zone]]);
    if (locationType === "availability-zone-id") return zones.map((zone) => [zoneId(zone), [zone]]);
    throw new ProviderError(
        `locationType "${locationType}" is none of region, availability-zone, availability-zone-id`,
    );
}
