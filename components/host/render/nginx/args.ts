import type { Listener } from "../../../listeners.ts";

export interface NginxArgs {
    /** The public hostname. */
    domain: string;
    /** The name with HTTP/2 for people, or empty. */
    uiDomain: string;
    /** The ports on which nginx accepts connections. */
    listeners: readonly Listener[];
    /** Where LinkMesh listens, on each listener's internal port. Several addresses of one LinkMesh have local ports each. */
    linkmeshAddresses: readonly string[];
    /** The machine has a public address of that family. */
    ipv6: boolean;
    /** Networks whose X-Forwarded-For is believed. */
    trustedProxies: readonly string[];
    /** Collectors and agents connected at once. */
    collectorsExpected: number;
    /** Sessions that one client address may hold on each port; 0: what follows from the fleet. */
    sessionsPerAddress: number;
    /** Folder with fullchain.pem and privkey.pem. */
    certificate: string;
}
