import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { withoutWildcard } from "./surfaces.ts";

/** The empty string for "not set", or what the schema takes. */
export const optional = <T extends z.ZodType>(schema: T) => z.union([z.literal(""), schema]);

export const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((v) => v === "true")], {
    error: "must be true or false",
});

export const wholeNumber = (least: number, most: number, tooMany = `must be at most ${most}`) =>
    z.coerce.number().int("must be a whole number").min(least, `must be at least ${least}`).max(most, tooMany);

/** Names for the directories that most users choose between. */
export const LETS_ENCRYPT: Readonly<Record<string, string>> = {
    staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
    production: "https://acme-v02.api.letsencrypt.org/directory",
};

export const acmeDirectory = z
    .string()
    .refine(
        (value) =>
            value === "staging" || value === "production" || z.url({ protocol: /^https$/ }).safeParse(value).success,
        {
            error: 'must be "staging", "production" or an https URL of an ACME directory',
        },
    )
    // Let's Encrypt by its URL is Let's Encrypt: what holds for one holds for the other.
    .transform((value) => Object.entries(LETS_ENCRYPT).find(([, url]) => url === value)?.[0] ?? value);

/** A DNS name of two labels or more, lower case, without a final dot; 253 characters at most. */
export const hostname = z
    .string()
    .max(253, "must be at most 253 characters long")
    .regex(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        error: "must be a full hostname in lower case without scheme, port or final dot, such as linkmesh.example.com",
    });

/** A name of a certificate: a hostname, or one with a wildcard in place of its first label. */
export const certificateName = z.string().refine((name) => hostname.safeParse(withoutWildcard(name)).success, {
    error: "must hold hostnames such as linkmesh.example.com, or wildcards such as *.example.com",
});

/** A network in CIDR form whose host bits are zero, as AWS demands. */
export const cidr = z
    .string()
    .superRefine((value, context) => {
        const [address = "", length = "", rest] = value.split("/");
        const family = isIP(address);
        const bits = family === 6 ? 128 : 32;
        if (family === 0 || rest !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits) {
            context.addIssue({
                code: "custom",
                message: `must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not "${value}"`,
            });
            return;
        }
        if (!isNetworkAddress(address, Number(length), family)) {
            context.addIssue({ code: "custom", message: `must hold network addresses: "${value}" has host bits set` });
        }
    })
    // One way to write it, as names of resources are made of it and AWS takes no network twice.
    .transform((value) => {
        const [address = "", length] = value.split("/");
        return isIP(address) === 6 ? `${new URL(`http://[${address}]`).hostname.slice(1, -1)}/${length}` : value;
    });

/** True when no bit after the prefix is set, that is when the network's first address is the address itself. */
function isNetworkAddress(address: string, length: number, family: number): boolean {
    const kind = family === 6 ? "ipv6" : "ipv4";
    const bits = addressBits(address, family);
    if (/1/.test(bits.slice(length))) return false;
    const list = new BlockList();
    list.addSubnet(address, length, kind);
    return list.check(address, kind);
}

function addressBits(address: string, family: number): string {
    if (family === 4)
        return address
            .split(".")
            .map((o) => Number(o).toString(2).padStart(8, "0"))
            .join("");
    const [head = "", tail] = address.split("::");
    const groups = (s: string) => (s === "" ? [] : s.split(":"));
    const left = groups(head);
    const right = tail === undefined ? [] : groups(tail);
    const all = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
    return all.map((g) => parseInt(g, 16).toString(2).padStart(16, "0")).join("");
}

/** An IPv4 network whose prefix length lies between two bounds. */
export const cidrIpv4Block = (shortest: number, longest: number) =>
    cidr.refine((value) => {
        const [address = "", length] = value.split("/");
        return isIP(address) === 4 && Number(length) >= shortest && Number(length) <= longest;
    }, `must be an IPv4 network between /${shortest} and /${longest}, such as 10.77.0.0/24`);

/** PEM-like text with at least one block of the given label (a regular expression). */
export const pem = (label: string) =>
    z
        .string()
        .transform((text) => text.trim() + "\n")
        .refine((text) => new RegExp(`-----BEGIN ${label}-----[\\s\\S]+-----END ${label}-----`).test(text), {
            error: `must be text with a "-----BEGIN ${label.replace(/\(\?:.*\)\?/, "… ")}-----" block, not a file name`,
        });

/** An absolute path without spaces, quotes or "..", safe for fstab and unit files. */
export const plainPath = z
    .string()
    .regex(
        /^(\/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+$/,
        "must be an absolute path without spaces, such as /var/lib/linkmesh",
    );

/** A directory that may be placed on the data volume: an own directory of a service, none that the system lives in. */
export const serviceDirectory = plainPath.refine(
    (path) =>
        path.split("/").length > 2 &&
        !/^\/(usr|bin|sbin|lib\w*|boot|dev|proc|sys|run|tmp)\//.test(path) &&
        !SYSTEM_DIRECTORIES.has(path),
    { error: "must hold directories of LinkMesh alone, such as /var/lib/linkmesh, and none of the system's" },
);

const SYSTEM_DIRECTORIES = new Set([
    ...[
        "/var/lib",
        "/var/log",
        "/var/cache",
        "/var/tmp",
        "/var/www",
        "/etc/default",
        "/etc/systemd",
        "/etc/ssh",
        "/etc/nginx",
    ],
    ...["/etc/letsencrypt", "/srv/linkmesh", "/var/lib/dpkg", "/var/lib/systemd"],
]);
