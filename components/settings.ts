import { z } from "zod";
import {
    ACME_DIRECTORIES,
    acmeDirectory,
    cidr,
    cidrIpv4Block,
    flag,
    hostname,
    optional,
    pem,
    plainPath,
    serviceDirectory,
    wholeNumber,
} from "./validators.ts";

/**
 * Every setting of the program: its type in the stack configuration, what it is, its default and its validation.
 * This table is the only place that knows them: `Pulumi.yaml`'s schema and the settings table of the README are
 * generated from it and compared with it by tests.
 */
export interface Setting<T extends z.ZodType = z.ZodType> {
    /** The type in the stack configuration, as Pulumi.yaml's `config` schema names it. */
    readonly type: "string" | "integer" | "boolean" | "array" | "object";
    /** One or two sentences for `pulumi config` and the README. Costs are a month, in us-east-1. */
    readonly description: string;
    /** Absent for a required setting. The empty string, list or object means "not set". */
    readonly default?: string | number | boolean | readonly string[] | Readonly<Record<string, never>>;
    readonly example: string;
    /** The value is kept as a secret: never shown in previews, logs or outputs. */
    readonly secret?: boolean;
    readonly schema: T;
}

const setting = <T extends z.ZodType>(s: Setting<T>) => s;

export const SETTINGS = {
    domain: setting({
        type: "string",
        description: "The public hostname, under which browsers, collectors and agents reach LinkMesh.",
        example: "linkmesh.example.com",
        schema: hostname,
    }),
    hostedZone: setting({
        type: "string",
        description:
            "Name of the Route 53 hosted zone for the records. By default the closest zone that encloses the domain.",
        default: "",
        example: "example.com",
        schema: optional(hostname),
    }),
    acmeEmail: setting({
        type: "string",
        description:
            "Contact address of the ACME account. Let's Encrypt has sent no mail since June 2025; other authorities may want one.",
        default: "",
        example: "platform@example.com",
        schema: optional(z.email("must be an e-mail address such as platform@example.com")),
    }),
    acmeDirectory: setting({
        type: "string",
        description:
            "Where the certificate comes from: staging (Let's Encrypt for trying out, not trusted by browsers), production (Let's Encrypt, at most 5 certificates for the same name a week), or the https URL of any ACME directory.",
        default: "staging",
        example: "production",
        schema: acmeDirectory,
    }),
    acmeCaBundle: setting({
        type: "string",
        description:
            "PEM certificates that the ACME directory's own https certificate is verified with, for a private CA.",
        default: "",
        example: "-----BEGIN CERTIFICATE-----…",
        schema: optional(pem("CERTIFICATE")),
    }),
    sshAllowedCidrs: setting({
        type: "array",
        description:
            "Networks that may reach port 22, as CIDR blocks of either family. The machine is set up over SSH, so the address that runs `pulumi up` belongs to it. A network of all addresses (/0) is taken with a warning.",
        example: '["198.51.100.7/32"]',
        schema: z.array(cidr).min(1, "must name at least one network: the address from which `pulumi up` runs"),
    }),
    sshPublicKey: setting({
        type: "string",
        description:
            "SSH public key to log in with, in authorized_keys form. By default a key pair is generated and kept in the stack's state.",
        default: "",
        example: "ssh-ed25519 AAAA… platform",
        schema: optional(
            z.string().regex(/^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( [^\n]*)?$/, {
                error: "must be one line of an authorized_keys file, such as: ssh-ed25519 AAAA… name",
            }),
        ),
    }),
    sshPrivateKey: setting({
        type: "string",
        description: "The private key that belongs to sshPublicKey, in PEM or OpenSSH form and without a passphrase.",
        default: "",
        example: "-----BEGIN OPENSSH PRIVATE KEY-----…",
        secret: true,
        schema: optional(pem("(?:OPENSSH |RSA |EC )?PRIVATE KEY")),
    }),
    instanceType: setting({
        type: "string",
        description:
            "EC2 instance type, of a Nitro generation. t3.small is about $15 a month and enough for 10,000 collectors' connections.",
        default: "t3.small",
        example: "t4g.small",
        schema: z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "must be an EC2 instance type such as t3.small"),
    }),
    imageId: setting({
        type: "string",
        description:
            "Machine image. By default the newest Debian 13 image at the time of the machine's creation; newer images then change nothing until the machine is replaced. A pinned image is always honoured.",
        default: "",
        example: "ami-0123456789abcdef0",
        schema: optional(z.string().regex(/^ami-[a-z0-9]+$/, "must be an image id such as ami-0123456789abcdef0")),
    }),
    vpcCidr: setting({
        type: "string",
        description: "IPv4 block of the VPC that the program creates, between /16 and /28. Of no use with subnetId.",
        default: "10.77.0.0/24",
        example: "10.20.0.0/24",
        schema: cidrIpv4Block(16, 28),
    }),
    subnetId: setting({
        type: "string",
        description: "An existing public subnet (with an internet gateway and IPv6) to use instead of an own VPC.",
        default: "",
        example: "subnet-0123456789abcdef0",
        schema: optional(
            z.string().regex(/^subnet-[a-f0-9]+$/, "must be a subnet id such as subnet-0123456789abcdef0"),
        ),
    }),
    linkmeshDebUrl: setting({
        type: "string",
        description:
            "URL of the LinkMesh server's Debian package. Either this with linkmeshDebSha256, or linkmeshAptSource.",
        default: "",
        example: "https://packages.example.com/linkmesh-server_1.101.0_amd64.deb",
        schema: optional(z.url({ protocol: /^https?$/, error: "must be an http or https URL of a .deb file" })),
    }),
    linkmeshDebSha256: setting({
        type: "string",
        description: "SHA-256 checksum of that package, in hexadecimal. A package with another one is not installed.",
        default: "",
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        schema: optional(
            z
                .string()
                .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits in lower case: run sha256sum on the package"),
        ),
    }),
    linkmeshAptSource: setting({
        type: "string",
        description:
            "APT source that holds the package linkmesh-server: URL, suite and components. Needs linkmeshAptKey and linkmeshVersion.",
        default: "",
        example: "https://apt.example.com/debian stable main",
        schema: optional(
            z
                .string()
                .regex(
                    /^https?:\/\/\S+ (\S+\/|\S+( [a-z0-9-]+)+)$/,
                    'must be "URL SUITE COMPONENT…", such as: https://apt.example.com/debian stable main',
                ),
        ),
    }),
    linkmeshAptKey: setting({
        type: "string",
        description: "The public key that signs the APT source, ASCII-armoured.",
        default: "",
        example: "-----BEGIN PGP PUBLIC KEY BLOCK-----…",
        schema: optional(pem("PGP PUBLIC KEY BLOCK")),
    }),
    linkmeshVersion: setting({
        type: "string",
        description: "The package version to install from the APT source.",
        default: "",
        example: "1.101.0",
        schema: optional(
            z.string().regex(/^(\d+:)?\d[A-Za-z0-9.+~-]*$/, "must be a Debian package version such as 1.101.0"),
        ),
    }),
    linkmeshEnvironment: setting({
        type: "object",
        description:
            "Entries for LinkMesh's environment file. Set each with: pulumi config set --secret --path linkmeshEnvironment.NAME VALUE",
        default: {},
        example: "{ LINKMESH_SMTP_PASSWORD: … }",
        secret: true,
        schema: z.record(
            z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must have names of letters, digits and underscores"),
            z
                .union([z.string(), z.number(), z.boolean()])
                .transform(String)
                .refine((v) => !/[\n\r\0]/.test(v), "must have values of one line each"),
        ),
    }),
    linkmeshConfig: setting({
        type: "object",
        description:
            "Further keys for LinkMesh's config.yaml, merged into what the package ships. The keys that the proxy needs (externalUrl, http.trustedProxies, grpc.port, grpc.externalUrl) are set by the program.",
        default: {},
        example: "{ metrics: { enabled: true } }",
        schema: z.record(z.string(), z.unknown()),
    }),
    linkmeshEnvironmentFile: setting({
        type: "string",
        description:
            "The environment file of the LinkMesh service, which holds the server secret. It is kept on the data volume.",
        default: "/etc/default/linkmesh-server",
        example: "/etc/default/linkmesh-server",
        schema: plainPath,
    }),
    linkmeshDataPaths: setting({
        type: "array",
        description:
            "Directories that hold LinkMesh's state (database, internal CA, gitops store). They are kept on the data volume and outlive the machine.",
        default: ["/var/lib/linkmesh", "/data/linkmesh"],
        example: '["/var/lib/linkmesh"]',
        schema: z.array(serviceDirectory).min(1, "must name at least the directory of LinkMesh's database"),
    }),
    collectorsExpected: setting({
        type: "integer",
        description:
            "How many collectors and agents will be connected at once, from 1 to 200,000. nginx and the kernel are sized for it.",
        default: 10_000,
        example: "50000",
        schema: wholeNumber(1, 200_000, "must be at most 200000: one machine is not made for more"),
    }),
    dataVolumeSize: setting({
        type: "integer",
        description:
            "Size of the data volume in GiB, from 1 to 16,384. It can grow later, never shrink. About $0.08 a GiB a month.",
        default: 10,
        example: "20",
        schema: wholeNumber(1, 16_384),
    }),
    dailySnapshots: setting({
        type: "integer",
        description:
            "How many daily snapshots of the data volume are kept, from 0 (none are taken) to 365. The cloud's own scheduler takes them at 03:00 UTC; they outlive the stack. About $0.05 a month for each GiB of changed data.",
        default: 0,
        example: "7",
        schema: wholeNumber(0, 365),
    }),
    finalSnapshot: setting({
        type: "boolean",
        description:
            "Keep a last snapshot of the data volume when it is deleted, as by `pulumi destroy`. Counts from the next `pulumi up` on. About $0.05 a month for each GiB of data, until you delete it.",
        default: false,
        example: "true",
        schema: flag,
    }),
    restoreFrom: setting({
        type: "string",
        description:
            "Snapshot from which a new data volume is made: its id, or latest for the newest of this stack. A data volume that exists already stays as it is.",
        default: "",
        example: "latest",
        schema: optional(
            z
                .string()
                .regex(/^(latest|snap-[a-f0-9]+)$/, 'must be "latest" or a snapshot id such as snap-0123456789abcdef0'),
        ),
    }),
    paused: setting({
        type: "boolean",
        description:
            "Take the machine away and keep addresses, names and data volume. Without it the same LinkMesh comes back.",
        default: false,
        example: "true",
        schema: flag,
    }),
    protect: setting({
        type: "boolean",
        description:
            "Refuse to destroy the stack, and to replace its addresses and its data volume, until it is false again and `pulumi up` has run.",
        default: false,
        example: "true",
        schema: flag,
    }),
    dnsAllowOverwrite: setting({
        type: "boolean",
        description:
            "Take over A and AAAA records of the domain that exist already, instead of stopping with an error.",
        default: false,
        example: "true",
        schema: flag,
    }),
    tags: setting({
        type: "object",
        description: "Tags for everything that is created, besides Name.",
        default: {},
        example: "{ team: platform }",
        schema: z.record(
            z
                .string()
                .min(1)
                .max(128)
                .refine((k) => !/^aws:/i.test(k), 'must have keys that do not start with "aws:"'),
            z.union([z.string(), z.number(), z.boolean()]).transform(String),
        ),
    }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** All settings, validated: plain data. Those marked secret must be wrapped before they reach a resource. */
export type Settings = { readonly [K in SettingName]: z.infer<(typeof SETTINGS)[K]["schema"]> };

/** The URL of the ACME directory. */
export function acmeDirectoryUrl(settings: Pick<Settings, "acmeDirectory">): string {
    return ACME_DIRECTORIES[settings.acmeDirectory] ?? settings.acmeDirectory;
}
