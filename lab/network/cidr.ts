import ipaddr from "ipaddr.js";

/** A block of addresses. */
export interface Cidr {
    /** The first address. */
    base: ipaddr.IPv4 | ipaddr.IPv6;
    prefix: number;
    /** False when the text had host bits, as in "10.0.0.1/24". */
    isNetwork: boolean;
}

/** Undefined when the text is no CIDR block. */
export function parseCidr(text: string): Cidr | undefined {
    const kind = kindOf(text);
    if (!kind) return undefined;
    const [address, prefix] = kind.parseCIDR(text);
    const base = kind.networkAddressFromCIDR(text);
    return { base, prefix, isNetwork: base.toString() === address.toString() };
}

/** The library takes more for an address than AWS does: "10.0.0/24", and IPv6 addresses with a zone. */
function kindOf(text: string) {
    if (ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) return ipaddr.IPv4;
    return ipaddr.IPv6.isValidCIDR(text) && !text.includes("%") ? ipaddr.IPv6 : undefined;
}

export function contains(outer: Cidr, inner: Cidr): boolean {
    return (
        outer.base.kind() === inner.base.kind() &&
        outer.prefix <= inner.prefix &&
        inner.base.match(outer.base, outer.prefix)
    );
}

export function overlaps(a: Cidr, b: Cidr): boolean {
    return contains(a, b) || contains(b, a);
}

/** Canonical text, IPv6 compressed as in RFC 5952. */
export function formatCidr({ base, prefix }: Cidr): string {
    return `${base.toString()}/${prefix}`;
}

/** The address that many after the first one of an IPv4 block. */
export function addressAt({ base }: Cidr, offset: number): string {
    const bytes = Buffer.from(base.toByteArray());
    bytes.writeUInt32BE(bytes.readUInt32BE() + offset);
    return ipaddr.fromByteArray([...bytes]).toString();
}

/** What is wrong with a text that should be a block of the family. */
export function cidr(family: 4 | 6): (value: string) => string | undefined {
    return (value) => {
        const parsed = parseCidr(value);
        if (parsed?.base.kind() !== `ipv${family}`) return `"${value}" is not a valid IPv${family} CIDR block`;
        return parsed.isNetwork ? undefined : `"${value}" is not a network address: use ${formatCidr(parsed)}`;
    };
}

/** Equal blocks in other spelling are no change. */
export function canonicalCidr(value: string): string {
    const parsed = parseCidr(value);
    return parsed ? formatCidr(parsed) : value;
}
