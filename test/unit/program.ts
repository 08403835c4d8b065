import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { LOGIN_TAG } from "../../components/cloud/login-key.ts";
import { DENIED, type Existing, lookUpInMocks, providerError } from "./lookup-mocks.ts";

/** A resource as the program registers it: inputs with secrets still wrapped, and its options. */
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
    retainOnDelete: boolean;
    additionalSecretOutputs: string[];
    aliases: { name: string; type: string }[];
    /** As "120s"; undefined for the provider's default. */
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

/**
 * Runs index.ts itself, or another program, against mocks and returns what it registers and exports.
 * @param volumeZone the zone of an existing data volume of 10 GiB; without it there is no volume.
 * @param loginKey the login key of the volume's machine.
 * @param volumes instead of one volume, all volumes with the stack's tag.
 * @param latest the newest snapshot with the stack's tag.
 * @param addresses how many Elastic IP addresses the account has.
 * @param balancerAddresses how many of them are the stack's load balancer's.
 * @param quota the value of every quota of the account; without it AWS's defaults.
 * @param region of the stack.
 * @param zones the last letters of the availability zones of eu-central-1.
 * @param refused a function without the right to call it, as "getZone".
 * @param renewed the names of replaced resources, which have other ids and addresses.
 * @param preview whether every computed output is unknown, as in the first preview of an empty stack.
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
        region = "eu-central-1",
        zones = "abc",
        latest = "snap-00aa",
        addresses = 0,
        balancerAddresses = 0,
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
                    state: {
                        ...(inputs as Record<string, unknown>),
                        ...(preview ? {} : computed(type, name, inputs as Record<string, unknown>, suffix)),
                    },
                };
            },
            call: ({ token, inputs }) => {
                calls.push({ token, inputs });
                const account = {
                    volumes: existing,
                    latest,
                    addresses,
                    balancerAddresses,
                    quota,
                    partition,
                    region,
                    zones,
                };
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
    const url = `${program}?${randomUUID()}`;
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

/**
 * The SDK makes a stack trace for each promise, with an error without a message. They take a third of a run's time. An error
 * of the program's own says where it was made.
 */
async function withoutDebugTraces<T>(run: () => Promise<T>): Promise<T> {
    const { prepareStackTrace, stackTraceLimit } = Error as {
        prepareStackTrace: (error: Error, frames: NodeJS.CallSite[]) => unknown;
        stackTraceLimit: number;
    };
    Error.prepareStackTrace = (error, frames) => (error.message === "" ? "" : prepareStackTrace(error, frames));
    Error.stackTraceLimit = 1;
    try {
        return await run();
    } finally {
        Object.assign(Error, { prepareStackTrace, stackTraceLimit });
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
        retainOnDelete: get<boolean | undefined>("Retainondelete") ?? false,
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

/** The value of a program's output. */
export function valueOf(output: unknown): Promise<unknown> {
    return (output as { promise(): Promise<unknown> }).promise();
}

/** A value without its secret wrapper. */
export function reveal<T = unknown>(value: unknown): T {
    return (isSecret(value) ? (value as { value: T }).value : value) as T;
}

/** @param suffix ends what a replacement would have otherwise. */
function computed(type: string, name: string, inputs: Record<string, unknown>, suffix = ""): Record<string, unknown> {
    switch (type) {
        case "aws:ec2/vpc:Vpc":
            return { ipv6CidrBlock: "2001:db8:0:100::/56" };
        case "aws:ec2/networkInterface:NetworkInterface":
            return { privateIp: `10.77.0.9${suffix}`, ipv6Addresses: [`2001:db8:0:100::10${suffix}`] };
        case "aws:ec2/instance:Instance": {
            const number = /-node-(\d+)-/.exec(name)?.[1] ?? "0";
            return {
                publicIp: `203.0.113.2${number}${suffix}`,
                ipv6Addresses: [`2001:db8:0:100::2${number}${suffix}`],
            };
        }
        case "aws:lb/loadBalancer:LoadBalancer":
        case "aws:lb/targetGroup:TargetGroup":
        case "aws:lb/listener:Listener":
            return { arn: `arn:aws:elasticloadbalancing:here:000000000000:${name}` };
        case "aws:acm/certificate:Certificate":
            return {
                arn: `arn:aws:acm:here:000000000000:certificate/${name}`,
                domainValidationOptions: validated(inputs),
            };
        case "aws:ec2/eip:Eip":
            if (name.includes("-addresses-")) {
                const key = name.replace(/.*-addresses-/, "");
                const number = /^\d+$/.test(key) ? key : parseInt(key.slice(-2), 16);
                return { publicIp: `198.51.100.${number}`, allocationId: `eipalloc-${key}${suffix}` };
            }
            return { publicIp: `203.0.113.10${suffix}`, allocationId: `eipalloc-1${suffix}` };
        case "aws:sns/topic:Topic":
            return { arn: `arn:aws:sns:here:000000000000:${name}` };
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

/** What Certificate Manager looks for: a record for each name, which a wildcard shares with the name below it. */
function validated({ domainName, subjectAlternativeNames }: Record<string, unknown>) {
    if (domainName === undefined) return [];
    return [domainName as string, ...((subjectAlternativeNames as string[] | undefined) ?? [])].map((name) => ({
        domainName: name,
        resourceRecordName: `_x.${name.replace("*.", "")}.`,
        resourceRecordType: "CNAME",
        resourceRecordValue: `_y.${name.replace("*.", "")}.acm-validations.aws.`,
    }));
}
