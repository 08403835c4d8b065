/** Whether a CIDR block is IPv6. Pure. */
export function isIpv6(cidr: string): boolean {
    return cidr.includes(":");
}
