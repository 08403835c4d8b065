import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";

/** A client as the server sees it, see {@link describeClient}. */
export interface ClientView {
    /** Address of the TCP peer. */
    peer: string;
    /** Whether the peer is a trusted proxy, so that its headers were used. */
    viaTrustedProxy: boolean;
    /** Address of the client. */
    address: string;
    scheme: string;
    host: string;
}

/** Whether an address is in a list of addresses and CIDRs. */
export type Trusted = (address: string) => boolean;

export function trustedProxies(cidrs: string[]): Trusted {
    const list = new BlockList();
    for (const cidr of cidrs) {
        const [address = "", length] = cidr.split("/");
        const family = isIP(address) === 6 ? "ipv6" : "ipv4";
        if (length === undefined) list.addAddress(address, family);
        else list.addSubnet(address, Number(length), family);
    }
    return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** Converts ::ffff:a.b.c.d, the address of an IPv4 client on a dual-stack socket. */
function plainAddress(address: string): string {
    return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function last(header: string | string[] | undefined): string | undefined {
    const entries = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",");
    return entries.at(-1)?.trim() || undefined;
}

/**
 * Identifies the client. X-Forwarded-For is read from the right, because only entries that trusted proxies appended are
 * true. The first address that is not a trusted proxy is the client. Entries left of it came from the client.
 */
export function describeClient(peerAddress: string, headers: IncomingHttpHeaders, trusted: Trusted): ClientView {
    const peer = plainAddress(peerAddress);
    const view = { peer, viaTrustedProxy: trusted(peer), address: peer, scheme: "http", host: headers.host ?? "" };
    if (!view.viaTrustedProxy) return view;

    const forwardedFor = headers["x-forwarded-for"];
    const hops = (
        Array.isArray(forwardedFor) ? forwardedFor.join(",") : (forwardedFor ?? last(headers["x-real-ip"]) ?? "")
    )
        .split(",")
        .map((hop) => plainAddress(hop.trim()));
    for (const hop of hops.reverse()) {
        if (isIP(hop) === 0) break;
        view.address = hop;
        if (!trusted(hop)) break;
    }
    const scheme = last(headers["x-forwarded-proto"])?.toLowerCase();
    if (scheme === "http" || scheme === "https") view.scheme = scheme;
    view.host = last(headers["x-forwarded-host"]) ?? view.host;
    return view;
}
