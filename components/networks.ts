/** The family of a network in CIDR form. Pure. */
export function isIpv6(cidr: string): boolean {
    return cidr.includes(":");
}
