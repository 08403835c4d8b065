import type { Listener } from "../../../listeners.ts";

export interface NginxArgs {
    /** The public hostname. */
    domain: string;
    /** The name of the web UI with HTTP/2, or empty. */
    uiDomain: string;
    /** The ports on which nginx accepts connections. */
    listeners: readonly Listener[];
    /** Addresses of LinkMesh, on each listener's internal port. Each address has its own range of local ports for nginx. */
    linkmeshAddresses: readonly string[];
    /** Whether the machine has an IPv6 address. */
    ipv6: boolean;
    /** Networks whose X-Forwarded-For header is trusted. */
    trustedProxies: readonly string[];
    /** Collectors and agents connected at once. */
    collectorsExpected: number;
    /** Sessions that one client address may hold on each port; 0 for a limit that follows from collectorsExpected. */
    sessionsPerAddress: number;
    /** The networks of the load balancer that sends a PROXY header; undefined if clients connect to nginx itself. */
    balancer?: readonly string[] | undefined;
    /** Directory of fullchain.pem and privkey.pem. */
    certificate: string;
}
