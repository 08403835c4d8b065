import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { withoutWildcard } from "../../hostnames.ts";

/** The empty string for "not set", or what the schema accepts. */
export const optional = <T extends z.ZodType>(schema: T) => z.union([z.literal(""), schema]);

/** Text. White space at both ends is removed, because it is often copied along. */
export const text = z.string().trim();

/** One of a few words, in any case. */
export const choice = <const T extends readonly string[]>(words: T, message: string) =>
    text.toLowerCase().pipe(z.enum(words, message));

export const flag = z.union(
    [z.boolean(), choice(["true", "false"], "must be true or false").transform((v) => v === "true")],
    {
        error: "must be true or false",
    },
);

export const wholeNumber = (least: number, most: number, tooMany = `must be at most ${most}`) =>
    z
        .union([z.number(), text.regex(/^-?\d+$/).transform(Number)], "must be a whole number, in digits alone")
        .pipe(z.int("must be a whole number").min(least, `must be at least ${least}`).max(most, tooMany));

/** Text, or a number or boolean, because YAML reads unquoted text as one of those. */
export const plainValue = z
    .union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false; write "" for an empty value')
    .transform(String);

/**
 * A URL whose scheme matches the pattern. Scheme and host become lower case. The rest stays as it is, because authorities and
 * certbot take another spelling for another URL.
 */
export const url = (scheme: RegExp, message: string) =>
    text.transform((value, context) => {
        if (!/^[a-z]+:\/\/\S+$/i.test(value) || !URL.canParse(value) || !scheme.test(new URL(value).protocol)) {
            context.addIssue(message);
            return z.NEVER;
        }
        return value.replace(/^[a-z]+:\/\/[^/?#@]*/i, (origin) => origin.toLowerCase());
    });

/** ACME directories that have a short name. */
export const LETS_ENCRYPT: Readonly<Record<string, string>> = {
    staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
    production: "https://acme-v02.api.letsencrypt.org/directory",
};

/** Certificates for the same set of names in 7 days, https://letsencrypt.org/docs/rate-limits/ */
export const LETS_ENCRYPT_WEEKLY_LIMIT = 5;

/** Whether the authority is Let's Encrypt, in production or staging. Pure. */
export function isLetsEncrypt({ acmeDirectory }: { readonly acmeDirectory: string }): boolean {
    return acmeDirectory in LETS_ENCRYPT;
}

const NO_DIRECTORY = 'must be "staging", "production" or an https URL of an ACME directory';

export const acmeDirectory = z.union([
    choice(["staging", "production"], NO_DIRECTORY),
    url(/^https:$/, NO_DIRECTORY)
        .refine((value) => !hasLogin(value), "must not hold a user name or a password: certbot would show them")
        // The URL of Let's Encrypt becomes its short name, so that the same rules apply.
        .transform(
            (value) => Object.entries(LETS_ENCRYPT).find(([, url]) => url === new URL(value).href)?.[0] ?? value,
        ),
]);

/** Whether a URL holds a user name or a password. */
export function hasLogin(address: string): boolean {
    const { username, password } = new URL(address);
    return username !== "" || password !== "";
}

const domainName = text.toLowerCase().overwrite((name) => name.replace(/\.$/, ""));

/** A DNS name of two labels or more, lower case, without a final dot; 253 characters at most. */
export const hostname = domainName
    .max(253, "must be at most 253 characters long")
    .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        error: "must be a full hostname without scheme or port, such as linkmesh.example.com",
    })
    // Authorities refuse labels that look like internationalized ones and are not.
    .refine((name) => !/(^|\.)(?!xn)..--/.test(name) && domainToASCII(name) === name, {
        error: 'must not have "--" as third and fourth character of a label, unless it stands for other letters as xn--… does',
    });

/** A name in a certificate: a hostname, or a wildcard such as *.example.com. */
export const certificateName = domainName.refine((name) => hostname.safeParse(withoutWildcard(name)).success, {
    error: "must hold hostnames such as linkmesh.example.com, or wildcards such as *.example.com",
});

/** A SHA-256 checksum, as sha256sum prints it: with the file's name after it. */
export const packageChecksum = text
    .overwrite((sum) => sum.replace(/^\\?(\S+) [ *][^\n]+$/, "$1").toLowerCase())
    .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits: run sha256sum on the package");

const EMAIL_ADDRESS = /^(?![.-])(?!.*\.\.)[A-Za-z0-9._%+-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$/;

/** An e-mail address, as certbot and its command line accept it. */
export const emailAddress = text
    .max(254, "must be at most 254 characters long")
    .regex(EMAIL_ADDRESS, "must be an e-mail address such as platform@example.com");

/** Whom an alarm is sent to: an e-mail address, or the ARN of a standard SNS topic. */
export const alarmReceiver = text.refine(
    (value) => isTopic(value) || (value.length <= 254 && EMAIL_ADDRESS.test(value)),
    "must hold e-mail addresses such as platform@example.com, or ARNs of SNS topics such as arn:aws:sns:us-east-1:123456789012:ops",
);

/** Whether a receiver of alarms is an SNS topic. Pure. */
export function isTopic(receiver: string): boolean {
    return /^arn:aws:sns:[a-z]+(-[a-z]+)+-\d+:\d{12}:[A-Za-z0-9_-]{1,256}$/.test(receiver);
}

/** The region of an SNS topic. Pure. */
export const regionOfTopic = (arn: string) => arn.split(":")[3]!;

/** A hostname or an IP address. */
export const host = domainName.refine(
    (value) => (isIP(value) !== 0 && !value.includes("%")) || hostname.safeParse(value).success,
    { error: "must be a full hostname or an address" },
);

/** A CIDR block without host bits, as AWS requires. */
export const cidr = text.transform((value, context) => {
    const network = networkOf(value);
    if (network === undefined) {
        context.addIssue(
            `must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not ${shown(value)}`,
        );
        return z.NEVER;
    }
    const { address, first, length } = network;
    if (address.toString() !== first.toString()) {
        context.addIssue(`must hold network addresses: ${shown(value)} has host bits set`);
        return z.NEVER;
    }
    // The canonical form, because resource names contain it and AWS refuses the same network twice.
    return `${first.toString()}/${length}`;
});

function networkOf(value: string) {
    const [text = ""] = value.split("/");
    const kind = { 0: undefined, 4: ipaddr.IPv4, 6: ipaddr.IPv6 }[isIP(text)];
    // The library also accepts zone indexes (%eth0).
    if (!kind?.isValidCIDR(value) || text.includes("%")) return undefined;
    const [address, length] = kind.parseCIDR(value);
    // IPv4-mapped addresses belong to neither family of AWS's and nginx's rules.
    if (address.range() === "ipv4Mapped") return undefined;
    return { address, length, first: kind.networkAddressFromCIDR(value) };
}

/** A value for an error message. A long one is not shown, because it may be a secret that was set by mistake. */
const shown = (value: string) => (value.length > 50 ? "a longer text" : JSON.stringify(value));

/** A CIDR block that a VPC can have. */
export const vpcBlock = cidr.refine((value) => {
    if (!ipaddr.IPv4.isValidCIDR(value)) return false;
    const [address, length] = ipaddr.IPv4.parseCIDR(value);
    const reserved = ["unspecified", "loopback", "linkLocal", "multicast", "broadcast"];
    return length >= 16 && length <= 28 && !reserved.includes(address.range());
}, "must be an IPv4 network between /16 and /28 that machines may have, such as 10.77.0.0/24");

/** PEM-like text with at least one block of the given label (a regular expression). */
export const pem = (label: string) =>
    text
        .overwrite((value) => `${value}\n`)
        .refine((value) => new RegExp(`-----BEGIN ${label}-----[^\0]+-----END ${label}-----`).test(value), {
            error: `must be text with a "-----BEGIN ${label.replace(/\(\?:.*\)\?/, "… ")}-----" block, not a file name`,
        });

/** An absolute path without spaces, quotes or "..", safe for fstab and unit files. */
export const plainPath = text
    .overwrite((path) => path.replace(/\/+$/, ""))
    .max(120, "must be at most 120 characters long")
    .regex(
        /^(\/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+$/,
        "must be an absolute path without spaces, such as /var/lib/linkmesh",
    );

/** A directory that may be placed on the data volume: a service's own, not one of the operating system. */
export const serviceDirectory = plainPath.refine(
    (path) =>
        path.split("/").length > 2 &&
        !SHARED_DIRECTORIES.has(path) &&
        !SYSTEM_DIRECTORIES.some((directory) => `${path}/`.startsWith(`${directory}/`)),
    { error: "must hold directories of LinkMesh alone, such as /var/lib/linkmesh, and none of the system's" },
);

/** Refused themselves, while directories below them are accepted. */
const SHARED_DIRECTORIES = new Set(["/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/www", "/usr/local"]);

/** Refused, with everything below them. */
const SYSTEM_DIRECTORIES = [
    ...["/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp"],
    ...["/var/run", "/var/lock", "/etc/default", "/etc/systemd", "/etc/ssh", "/etc/ssl", "/etc/nginx", "/etc/apt"],
    ...["/etc/letsencrypt", "/etc/linkmesh-proxy", "/srv/linkmesh", "/var/lib/linkmesh-proxy", "/var/www/acme"],
    ...["/var/lib/dpkg", "/var/lib/apt", "/var/lib/systemd", "/var/lib/cloud", "/var/lib/nginx", "/var/log/nginx"],
];
