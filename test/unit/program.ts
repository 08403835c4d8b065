import * as pulumi from "@pulumi/pulumi";
import { LOGIN_TAG } from "../../components/cloud/login-key.ts";
import { STEPS as ALL_STEPS } from "../../components/host/steps.ts";

/** A resource as the engine would see it registered: inputs with secrets still wrapped, and its options. */
export interface Registered {
    type: string;
    name: string;
    urn: string;
    parent: string;
    inputs: Record<string, unknown>;
    dependsOn: string[];
    deletedWith: string;
    deleteBeforeReplace: boolean;
    ignoreChanges: string[];
    replaceOnChanges: string[];
    replacementTrigger: unknown;
    protect: boolean;
    additionalSecretOutputs: string[];
    aliases: { name: string; type: string }[];
    /** As "120s"; undefined for the provider's own. */
    createTimeout: string | undefined;
}

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

export const CONFIG = {
    domain: "linkmesh.example.com",
    acmeEmail: "platform@example.com",
    sshAllowedCidrs: '["198.51.100.7/32","2001:db8::/64"]',
    linkmeshDebUrl: "https://packages.example.com/linkmesh-server_1.101.0_amd64.deb",
    linkmeshDebSha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
};

/** The steps that {@link CONFIG} has: the certificate is an authority's. */
export const STEPS = Object.keys(ALL_STEPS).filter((name) => name !== "own-certificate");

/**
 * Runs index.ts itself, or another program, against mocks and returns what it registers and exports.
 * @param volumeZone where the stack's data volume of 10 GiB lies already; by default there is none.
 * @param loginKey the key of the machine that it belongs to.
 * @param volumes in place of the one: all that carry the stack's tag.
 * @param latest the newest snapshot with the stack's tag.
 * @param addresses how many Elastic IP addresses the account has.
 * @param quota the account's quotas, whatever of; without it they are AWS's defaults.
 * @param refused the function for which the rights are missing, as "getZone".
 * @param renewed the names of resources that are replaced: they have other ids and addresses.
 * @param preview true leaves every computed output unknown, as the first preview of an empty stack does.
 */
export async function runProgram(
    config: Record<string, string> = CONFIG,
    {
        preview = false,
        secretKeys = [] as string[],
        program = "../../index.ts",
        volumeZone = "",
        loginKey = "",
        volumes = [] as Existing[],
        refused = "",
        partition = "aws",
        latest = "snap-00aa",
        addresses = 0,
        quota = undefined as number | undefined,
        renewed = [] as readonly string[],
    } = {},
) {
    const one = { id: "vol-0existing", availabilityZone: volumeZone, attached: true };
    const tags: Record<string, string> = loginKey === "" ? {} : { [LOGIN_TAG]: loginKey };
    const existing = volumeZone === "" ? volumes : [{ ...one, tags }];
    const registered: Registered[] = [];
    const calls: { token: string; inputs: unknown }[] = [];
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, id }) => {
                const suffix = renewed.includes(name) ? "1" : "";
                return {
                    id: preview ? undefined : id || `${name}-id${suffix}`,
                    state: { ...(inputs as Record<string, unknown>), ...(preview ? {} : computed(type, name, suffix)) },
                };
            },
            call: ({ token, inputs }) => {
                calls.push({ token, inputs });
                const account = { volumes: existing, latest, addresses, quota, partition };
                const answer = lookUpInMocks(token, inputs as Record<string, unknown>, account);
                if (token.endsWith(`:${refused}`)) throw providerError(DENIED);
                return answer;
            },
        },
        "linkmesh-proxy",
        "test",
        preview,
    );
    const prefixed = (key: string) => `linkmesh-proxy:${key}`;
    pulumi.runtime.setAllConfig(
        Object.fromEntries(Object.entries(config).map(([k, v]) => [prefixed(k), v])),
        secretKeys.map(prefixed),
    );

    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource: (request: Request, callback: unknown) => unknown;
    };
    const original = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        registered.push(readRequest(request));
        return original(request, callback);
    };
    const url = `${program}?${Math.random()}`;
    const exported = await withoutDebugTraces(async () => {
        const module = (await import(url)) as Record<string, unknown>;
        await pulumi.runtime.disconnect();
        return module;
    });
    const outputs = (exported.default ?? exported) as Record<string, unknown>;
    return {
        registered,
        outputs,
        calls,
        named: (name: string) => registered.find((r) => r.name === name)!,
        asked: (token: string) => calls.filter((call) => call.token === token).map(({ inputs: args }) => args),
    };
}

/** The SDK notes a stack trace for each promise, with an error that has no message. To write them takes most of a run's time. */
async function withoutDebugTraces<T>(run: () => Promise<T>): Promise<T> {
    const { prepareStackTrace } = Error as { prepareStackTrace: (error: Error, frames: NodeJS.CallSite[]) => unknown };
    Error.prepareStackTrace = (error, frames) => (error.message === "" ? "" : prepareStackTrace(error, frames));
    try {
        return await run();
    } finally {
        Error.prepareStackTrace = prepareStackTrace;
    }
}

interface Request {
    [getter: `get${string}`]: () => unknown;
}

function readRequest(request: Request): Registered {
    const get = <T>(name: string) => request[`get${name}`]!() as T;
    const inputs = get<{ toJavaScript(): Record<string, unknown> } | undefined>("Object")?.toJavaScript() ?? {};
    const [type, name, parent] = [get<string>("Type"), get<string>("Name"), get<string>("Parent")];
    return {
        type,
        name,
        parent,
        urn: `urn:pulumi:test::linkmesh-proxy::${type}::${name}`,
        inputs,
        dependsOn: get("DependenciesList"),
        deletedWith: get("Deletedwith"),
        deleteBeforeReplace: get("Deletebeforereplace"),
        ignoreChanges: get("IgnorechangesList"),
        replaceOnChanges: get("ReplaceonchangesList"),
        replacementTrigger: get<{ toJavaScript(): unknown } | undefined>("ReplacementTrigger")?.toJavaScript(),
        protect: get<boolean | undefined>("Protect") ?? false,
        additionalSecretOutputs: get("AdditionalsecretoutputsList"),
        aliases: get<{ getSpec(): { getName(): string; getType(): string } }[]>("AliasesList").map((alias) => ({
            name: alias.getSpec().getName(),
            type: alias.getSpec().getType(),
        })),
        createTimeout: get<{ getCreate(): string } | undefined>("Customtimeouts")?.getCreate() || undefined,
    };
}

export function isSecret(value: unknown): boolean {
    return (
        typeof value === "object" &&
        value !== null &&
        Object.entries(SECRET).every(([k, v]) => (value as Record<string, unknown>)[k] === v)
    );
}

/** The value of an output of the program. */
export function valueOf(output: unknown): Promise<unknown> {
    return (output as { promise(): Promise<unknown> }).promise();
}

/** A value without its secret wrapper. */
export function reveal<T = unknown>(value: unknown): T {
    return (isSecret(value) ? (value as { value: T }).value : value) as T;
}

/** @param suffix ends what a replacement would have otherwise. */
function computed(type: string, name: string, suffix = ""): Record<string, unknown> {
    switch (type) {
        case "aws:ec2/vpc:Vpc":
            return { ipv6CidrBlock: "2001:db8:0:100::/56" };
        case "aws:ec2/networkInterface:NetworkInterface":
            return { privateIp: `10.77.0.9${suffix}`, ipv6Addresses: [`2001:db8:0:100::10${suffix}`] };
        case "aws:ec2/eip:Eip":
            return { publicIp: `203.0.113.10${suffix}`, allocationId: `eipalloc-1${suffix}` };
        case "aws:iam/role:Role":
        case "aws:iam/instanceProfile:InstanceProfile":
            return { name: `generated-${name}` };
        case "tls:index/privateKey:PrivateKey":
            return {
                privateKeyOpenssh: "-----BEGIN OPENSSH PRIVATE KEY-----\nMOCK\n-----END OPENSSH PRIVATE KEY-----\n",
                publicKeyOpenssh: "ssh-ed25519 AAAAMOCK\n",
            };
        default:
            return {};
    }
}

/** A volume as the mocks have it. */
interface Existing {
    id: string;
    availabilityZone: string;
    attached: boolean;
    tags?: Record<string, string>;
}

interface Account {
    volumes: Existing[];
    latest: string;
    addresses: number;
    quota: number | undefined;
    partition: string;
}

function lookUpInMocks(token: string, inputs: Record<string, unknown>, account: Account): Record<string, unknown> {
    const { volumes, latest, addresses, quota } = account;
    const filtered = (name: string) =>
        (inputs.filters as { name: string; values: string[] }[] | undefined)?.find((filter) => filter.name === name)
            ?.values;
    switch (token) {
        case "aws:index/getPartition:getPartition":
            return { partition: account.partition };
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
            const zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
            return { names: type === "availability-zone" ? zones : [LOCAL, ...zones] };
        }
        case "aws:ec2/getEips:getEips":
            return { allocationIds: Array.from({ length: addresses }, (_, i) => `eipalloc-${i}`) };
        case "aws:servicequotas/getServiceQuota:getServiceQuota":
            return { value: quota ?? (inputs.serviceCode === "vpc" ? 60 : 5) };
        case "aws:ec2/getAmi:getAmi":
            return describeImage(inputs.filters as { name: string; values: string[] }[]);
        case "aws:ec2/getSubnet:getSubnet":
            if (inputs.id === "subnet-0404") throw providerError(NOTHING_FOUND);
            return {
                id: inputs.id,
                vpcId: "vpc-0existing",
                availabilityZone: inputs.id === "subnet-010c" ? LOCAL : "eu-central-1c",
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
const DENIED =
    "operation error EC2: api error UnauthorizedOperation: You are not authorized to perform this operation.";

const LOCAL = "eu-central-1-ham-1a";

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
function providerError(reason: string): Error {
    const details = `invocation of aws:x:y returned an error: invoking aws:x:y: 1 error occurred:\n\t* ${reason}\n\n`;
    return Object.assign(new Error(details), { details });
}
