import ipaddr from "ipaddr.js";

/** A load balancer of the program has addresses in as many zones, if the region has them. */
export const MOST_ZONES = 3;

/** In every subnet AWS keeps five addresses for itself, and a load balancer has to find eight that are free. */
const TAKEN = 5 + 8;

/** The longest prefix of a subnet. */
const LONGEST = 28;

/** Nodes that one of the subnets has addresses for, twice over while they are replaced. 0 if the block has no room. Pure. */
export function nodesInZone(block: string): number {
    const length = subnetLength(block, MOST_ZONES);
    return length > LONGEST ? 0 : Math.floor((2 ** (32 - length) - TAKEN) / 2);
}

/** The prefix length of equal parts of an IPv4 block. Pure. */
function subnetLength(block: string, count: number): number {
    const [, length] = ipaddr.IPv4.parseCIDR(block);
    return length + Math.ceil(Math.log2(count));
}

/** Equal parts of an IPv4 block, as large as fit. One part is the block itself. Pure. */
export function subnetBlocks(block: string, count: number): string[] {
    const [first] = ipaddr.IPv4.parseCIDR(block);
    const length = subnetLength(block, count);
    const start = first.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
    return Array.from({ length: count }, (_, index) => {
        const number = start + index * 2 ** (32 - length);
        return `${[24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".")}/${length}`;
    });
}

/** A /64 of the /56 that AWS assigns to a VPC, by its number from 0. Pure. */
export function ipv6SubnetBlock(block: string, index: number): string {
    if (index === 0) return block.replace(/\/56$/, "/64");
    const [first] = ipaddr.IPv6.parseCIDR(block);
    const bytes = first.toByteArray();
    bytes[7]! += index;
    return `${new ipaddr.IPv6(bytes).toString()}/64`;
}

/** An address with these last four bytes in an IPv6 block. Pure. */
export function ipv6AddressIn(block: string, last: Uint8Array): string {
    const [first] = ipaddr.IPv6.parseCIDR(block);
    return new ipaddr.IPv6([...first.toByteArray().slice(0, 12), ...last.subarray(0, 4)]).toString();
}
