import ipaddr from "ipaddr.js";

/** A block of addresses. */
export interface Cidr {
    /** The first address. */
    base: ipaddr.IPv4 | ipaddr.IPv6;
    prefix: number;
    /** False if the text had host bits, as in "10.0.0.1/24". */
    isNetwork: boolean;
}

/** Undefined if the text is not a CIDR block. */
export function parseCidr(text: string): Cidr | undefined {
    const kind = kindOf(text);
    if (!kind) return undefined;
    const [address, prefix] = kind.parseCIDR(text);
    const base = kind.networkAddressFromCIDR(text);
    return { base, prefix, isNetwork: base.toString() === address.toString() };
}

/** The address family, without what only the library accepts: "10.0.0/24", and IPv6 addresses with a zone. */
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

/** The canonical text. IPv6 is compressed as in RFC 5952. */
export function formatCidr({ base, prefix }: Cidr): string {
    return `${base.toString()}/${prefix}`;
}

/** The address at an offset from the first address of an IPv4 block. */
export function addressAt({ base }: Cidr, offset: number): string {
    const bytes = Buffer.from(base.toByteArray());
    bytes.writeUInt32BE(bytes.readUInt32BE() + offset);
    return ipaddr.fromByteArray([...bytes]).toString();
}

/** Checks that a text is a CIDR block of the family. */
export function cidr(family: 4 | 6): (value: string) => string | undefined {
    return (value) => {
        const parsed = parseCidr(value);
        if (parsed?.base.kind() !== `ipv${family}`) return `"${value}" is not a valid IPv${family} CIDR block`;
        return parsed.isNetwork ? undefined : `"${value}" is not a network address: use ${formatCidr(parsed)}`;
    };
}

/** One spelling for each block, so that another spelling is no change. */
export function canonicalCidr(value: string): string {
    const parsed = parseCidr(value);
    return parsed ? formatCidr(parsed) : value;
}
