import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";

/** What the server believes about a client, see {@link describeClient}. */
export interface ClientView {
    /** Address of the TCP peer. */
    peer: string;
    /** Whether the peer is a trusted proxy, so that its headers were honoured. */
    viaTrustedProxy: boolean;
    /** Address of the client. */
    address: string;
    scheme: string;
    host: string;
}

/** Membership of a list of addresses and CIDRs. */
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

/** An IPv4 client of a dual-stack socket is shown as ::ffff:a.b.c.d. */
function plainAddress(address: string): string {
    return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function last(header: string | string[] | undefined): string | undefined {
    const entries = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",");
    return entries.at(-1)?.trim() || undefined;
}

/**
 * Who the client is. X-Forwarded-For is read from the right, because only the entries that trusted proxies appended
 * are true: the first address that is no trusted proxy is the client, and what stands left of it was sent by the client.
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
