/** Arithmetic on IPv4 addresses; IPv6 ones are never computed, only passed on. */

export function toNumber(address: string): number {
    return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function block(cidr: string): { start: number; size: number; length: number } {
    const [address = "", length] = cidr.split("/");
    const size = 2 ** (32 - Number(length));
    return { start: Math.floor(toNumber(address) / size) * size, size, length: Number(length) };
}

/** The subnet's router, as on AWS: network address plus one. */
export function gatewayOf(cidr: string): string {
    return toAddress(block(cidr).start + 1);
}

export function prefixLength(cidr: string): number {
    return block(cidr).length;
}

export function contains(cidr: string, address: string): boolean {
    const { start, size } = block(cidr);
    const value = toNumber(address);
    return value >= start && value < start + size;
}
