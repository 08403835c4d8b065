/** A volume as the mocks have it. */
export interface Existing {
    id: string;
    availabilityZone: string;
    attached: boolean;
    tags?: Record<string, string>;
}

export interface Account {
    volumes: Existing[];
    latest: string;
    addresses: number;
    /** How many of them are those of the stack's load balancer. */
    balancerAddresses: number;
    quota: number | undefined;
    partition: string;
    region: string;
    /** The last letters of the availability zones. */
    zones: string;
}

/** What the provider answers to a lookup. */
export function lookUpInMocks(
    token: string,
    inputs: Record<string, unknown>,
    account: Account,
): Record<string, unknown> {
    const { volumes, latest, addresses, balancerAddresses, quota } = account;
    const filtered = (name: string) =>
        (inputs.filters as { name: string; values: string[] }[] | undefined)?.find((filter) => filter.name === name)
            ?.values;
    switch (token) {
        case "aws:index/getPartition:getPartition":
            return { partition: account.partition };
        case "aws:index/getRegion:getRegion":
            return { region: account.region };
        case "aws:route53/getZone:getZone":
            if (inputs.name === "dev.example.com") return { zoneId: "Z2", name: inputs.name, nameServers: [] };
            if (inputs.name !== "example.com") throw providerError(NOTHING_FOUND);
            return { zoneId: "Z1", name: "example.com", nameServers: ["ns-1.awsdns-01.org", "ns-2.awsdns-02.com"] };
        case "aws:route53/getZones:getZones":
            return { ids: ["Z1", "Z2"] };
        case "aws:ec2/getInstanceType:getInstanceType": {
            const type = String(inputs.instanceType);
            if (type === "m1.none") throw providerError(NOTHING_FOUND);
            return {
                hypervisor: type.startsWith("t2") ? "xen" : "nitro",
                supportedArchitectures: [type.startsWith("t4g") ? "arm64" : "x86_64"],
                bootModes: type.startsWith("t4g") ? ["uefi"] : ["legacy-bios", "uefi"],
                enaSupport: "required",
                burstablePerformanceSupported: type.startsWith("t"),
                autoRecoverySupported: !type.endsWith("metal"),
            };
        }
        case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
            const filters = inputs.filters as { values: string[] }[];
            const [type] = filters[0]!.values;
            if (type === "m1.none") return { locations: [] };
            // A Local Zone, to which the account has opted in, sorts first.
            return {
                locations: [
                    "eu-central-1b",
                    ...(type === "m7i.large" ? [] : ["eu-central-1c", LOCAL, "eu-central-1a"]),
                ],
            };
        }
        case "aws:index/getAvailabilityZones:getAvailabilityZones": {
            const [type] = filtered("zone-type") ?? [];
            const zones = [...account.zones].map((letter) => `eu-central-1${letter}`);
            return { names: type === "availability-zone" ? zones : [LOCAL, ...zones] };
        }
        case "aws:ec2/getEips:getEips": {
            const length = filtered("tag:Name") ? balancerAddresses : addresses;
            return { allocationIds: Array.from({ length }, (_, i) => `eipalloc-${i}`) };
        }
        case "aws:servicequotas/getServiceQuota:getServiceQuota":
            return { value: quota ?? { vpc: 60, ec2: 5, acm: 10 }[inputs.serviceCode as string] };
        case "aws:ec2/getAmi:getAmi":
            return describeImage(inputs.filters as { name: string; values: string[] }[]);
        case "aws:ec2/getSubnet:getSubnet":
            if (inputs.id === "subnet-0404") throw providerError(NOTHING_FOUND);
            return {
                id: inputs.id,
                vpcId: inputs.id === "subnet-0e0e" ? "vpc-0other" : "vpc-0existing",
                cidrBlock: "10.9.0.0/24",
                availabilityZone: SUBNET_ZONES[inputs.id as string] ?? "eu-central-1c",
                ipv6CidrBlock: inputs.id === "subnet-0004" ? "" : "2001:db8:1::/64",
                ipv6Native: inputs.id === "subnet-0006",
            };
        case "aws:ec2/getRouteTables:getRouteTables": {
            const [subnetId] = filtered("association.subnet-id") ?? [];
            // The VPC's own counts where a subnet has none.
            if (subnetId === undefined) return { ids: ["rtb-main"] };
            return { ids: subnetId in ROUTES ? [subnetId] : [] };
        }
        case "aws:ec2/getRouteTable:getRouteTable":
            return { routes: ROUTES[inputs.routeTableId as string] };
        case "aws:ebs/getEbsVolumes:getEbsVolumes": {
            const states = filtered("status")!;
            const found = volumes.filter(({ attached }) => states.includes(attached ? "in-use" : "available"));
            return { ids: found.map(({ id }) => id) };
        }
        case "aws:ebs/getVolume:getVolume":
            return { size: 10, tags: {}, ...volumes.find(({ id }) => filtered("volume-id")!.includes(id)) };
        case "aws:ebs/getSnapshotIds:getSnapshotIds": {
            const [id] = filtered("snapshot-id") ?? [latest];
            return { ids: id === "snap-0404" ? [] : [id] };
        }
        case "aws:ebs/getSnapshot:getSnapshot": {
            const [id] = inputs.snapshotIds as [string];
            const owner = id === "snap-00bb" ? "linkmesh-proxy/other/linkmesh" : "linkmesh-proxy/test/linkmesh";
            const domain = id === "snap-00dd" ? { "linkmesh-proxy-domain": "other.example.com" } : {};
            return { id, volumeSize: 20, tags: id === "snap-00cc" ? {} : { "linkmesh-proxy": owner, ...domain } };
        }
        default:
            throw new Error(`the mocks know no ${token}`);
    }
}

/** Other words than the provider has for most of these: the program must not decide by them. */
const NOTHING_FOUND = "couldn't find resource";
export const DENIED =
    "operation error EC2: api error UnauthorizedOperation: You are not authorized to perform this operation.";

const LOCAL = "eu-central-1-ham-1a";

/** Of subnets that are not in eu-central-1c. */
const SUBNET_ZONES: Record<string, string> = {
    "subnet-010c": LOCAL,
    "subnet-0a0a": "eu-central-1a",
    "subnet-0b0b": "eu-central-1b",
    "subnet-0e0e": "eu-central-1b",
};

const GATEWAY = { cidrBlock: "0.0.0.0/0", gatewayId: "igw-0existing" };
/** By table, which is named as its subnet. */
const ROUTES: Record<string, object[]> = {
    "rtb-main": [GATEWAY],
    "subnet-00a7": [{ ...GATEWAY, gatewayId: "", natGatewayId: "nat-0" }],
    "subnet-0000": [],
    "subnet-0b1d": ["0.0.0.0/1", "128.0.0.0/1"].map((cidrBlock) => ({ ...GATEWAY, cidrBlock })),
    "subnet-0f1e": [{ ...GATEWAY, gatewayId: "vgw-0" }],
};

/** The newest image of the wanted name, or the one with the wanted id, whose last word tells its name. */
function describeImage(filters: { name: string; values: string[] }[]): Record<string, unknown> {
    const wanted = (name: string) => filters.find((filter) => filter.name === name)?.values[0];
    const id = wanted("image-id");
    if (id === undefined) {
        const [name, architecture] = [wanted("name")!, wanted("architecture")];
        // Ubuntu's has grown.
        return { id: "ami-0newest", name, architecture, ...(name.startsWith("ubuntu") ? rootDisk("12") : {}) };
    }
    const [, architecture = "x86_64", system = "debian-13-amd64-x", more = {}] = PINNED[id] ?? [id];
    if (!(id in PINNED)) throw providerError(NOTHING_FOUND);
    return { id, name: system, architecture, ...more };
}

const DEBIAN = ["x86_64", "debian-13-amd64-20260101-0001"] as const;
const rootDisk = (size: string) => ({
    rootDeviceName: "/dev/xvda",
    blockDeviceMappings: [
        { deviceName: "/dev/sdb", ebs: { volume_size: "500" } },
        { deviceName: "/dev/xvda", ebs: { volume_size: size } },
    ],
});
const PINNED: Record<string, [string, string?, string?, object?]> = {
    "ami-0large": ["30 GiB", ...DEBIAN, rootDisk("30")],
    "ami-0ena": ["without ENA", ...DEBIAN, { enaSupport: false }],
    "ami-0bios": ["of BIOS", "arm64", "debian-13-arm64-20260101-0001", { bootMode: "legacy-bios" }],
    "ami-0store": ["without EBS", ...DEBIAN, { rootDeviceType: "instance-store" }],
    "ami-0pinned": ["Debian 13"],
    "ami-0bookworm": ["Debian 12", "x86_64", "debian-12-amd64-20260101-0001"],
    "ami-0arm": ["Debian 13", "arm64", "debian-13-arm64-20260101-0001"],
    "ami-0custom": ["own", "x86_64", "platform-golden-image"],
};

/** An error of the bridged provider as gRPC delivers it. */
export function providerError(reason: string): Error {
    const details = `invocation of aws:x:y returned an error: invoking aws:x:y: 1 error occurred:\n\t* ${reason}\n\n`;
    return Object.assign(new Error(details), { details });
}
