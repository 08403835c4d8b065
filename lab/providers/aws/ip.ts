import { isIPv4, isIPv6 } from "node:net";

/** A block of addresses. */
export interface Cidr {
    family: 4 | 6;
    /** The first address, without host bits. */
    base: bigint;
    prefix: number;
    /** False when the text had host bits, as in "10.0.0.1/24". */
    isNetwork: boolean;
}

/** Undefined when the text is no CIDR block. */
export function parseCidr(text: string): Cidr | undefined {
    const [address = "", length = "", ...rest] = text.split("/");
    const parsed = parseAddress(address);
    if (!parsed || rest.length || !/^\d{1,3}$/.test(length)) return undefined;
    const bits = width(parsed.family);
    const prefix = Number(length);
    if (prefix > bits) return undefined;
    const host = (1n << BigInt(bits - prefix)) - 1n;
    return { family: parsed.family, base: parsed.value & ~host, prefix, isNetwork: (parsed.value & host) === 0n };
}

export function contains(outer: Cidr, inner: Cidr): boolean {
    return outer.family === inner.family && outer.prefix <= inner.prefix && overlaps(outer, inner);
}

export function overlaps(a: Cidr, b: Cidr): boolean {
    if (a.family !== b.family) return false;
    const shift = BigInt(width(a.family) - Math.min(a.prefix, b.prefix));
    return a.base >> shift === b.base >> shift;
}

/** How many addresses a block holds. */
export function size(cidr: Cidr): bigint {
    return 1n << BigInt(width(cidr.family) - cidr.prefix);
}

/** Canonical text, IPv6 compressed as in RFC 5952. */
export function formatAddress(family: 4 | 6, value: bigint): string {
    if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
    const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn);
    // The URL parser knows the rules of compression.
    return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

export function formatCidr(cidr: Cidr): string {
    return `${formatAddress(cidr.family, cidr.base)}/${cidr.prefix}`;
}

/** What is wrong with a text that should be a block of the family. */
export function cidr(family: 4 | 6): (value: string) => string | undefined {
    return (value) => {
        const parsed = parseCidr(value);
        if (parsed?.family !== family) return `"${value}" is not a valid IPv${family} CIDR block`;
        return parsed.isNetwork ? undefined : `"${value}" is not a network address: use ${formatCidr(parsed)}`;
    };
}

/** Equal blocks in other spelling are no change. */
export function canonicalCidr(value: string): string {
    const parsed = parseCidr(value);
    return parsed ? formatCidr(parsed) : value;
}

function width(family: 4 | 6): number {
    return family === 4 ? 32 : 128;
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
    if (isIPv4(text))
        return { family: 4, value: text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
    if (!isIPv6(text) || text.includes("%")) return undefined;
    const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
    const left = head ? head.split(":") : [];
    const right = tail ? tail.split(":") : [];
    const zeros = Array<string>(8 - left.length - right.length).fill("0");
    const groups = [...left, ...zeros, ...right];
    return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}
