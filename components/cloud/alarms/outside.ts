import { isIpv6 } from "../../networks.ts";
import { listeners } from "../../listeners.ts";
import type { Settings } from "../../settings/settings.ts";

export type Family = "ipv4" | "ipv6";

/** A listener that Route 53's health checkers ask, at one address of the machine. */
export interface OutsideCheck {
    readonly listener: "https" | "grpc";
    readonly family: Family;
    readonly port: number;
}

/** Which listeners can be checked from outside, and a sentence for each that cannot be. */
export interface OutsideChecks {
    readonly checks: readonly OutsideCheck[];
    readonly unchecked: readonly string[];
}

/**
 * The listeners that the whole internet may reach, in each family of the machine. Health checkers are not let in anywhere else,
 * because a limited port is limited on purpose. gRPC by name shares port 443 with https, whose check covers the port; the
 * checkers cannot do more, because LinkMesh demands a client certificate. Pure.
 */
export function outsideChecks(settings: Settings, ipv6: boolean): OutsideChecks {
    if (!settings.publicAddress) return { checks: [], unchecked: [NO_ADDRESS] };
    const families: readonly Family[] = ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
    const checks: OutsideCheck[] = [];
    const unchecked: string[] = [];
    for (const { name, port, networks, serverName } of listeners(settings)) {
        if ((name !== "https" && name !== "grpc") || serverName !== undefined) continue;
        const open = families.filter((family) => isOpen(networks, family));
        checks.push(...open.map((family) => ({ listener: name, family, port }) as const));
        if (open.length < families.length) unchecked.push(limited(name, open));
    }
    return { checks, unchecked };
}

function isOpen(networks: readonly string[], family: Family): boolean {
    return (
        networks.length === 0 ||
        networks.some((network) => network.endsWith("/0") && isIpv6(network) === (family === "ipv6"))
    );
}

const NO_ADDRESS =
    "alarms: nothing is checked from outside, because publicAddress is false. The machine's own alarms work. For https, use a monitoring system inside your network (docs/alarms.md).";

function limited(listener: "https" | "grpc", open: readonly Family[]): string {
    const where = open.length === 0 ? "" : ` in the other address family than ${open[0]}`;
    return `alarms: ${listener} is not checked from outside${where}, because ${listener}AllowedCidrs keeps Route 53's health checkers out. The machine's own alarms work. For https, use a monitoring system inside those networks (docs/alarms.md).`;
}
