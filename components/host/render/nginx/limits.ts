import type { NginxArgs } from "./args.ts";

/** nginx counts the sessions of an address to this number. */
const COUNTABLE = 65_535;
/** Beside a whole fleet behind one address: the people there, and sessions that are gone but not found out yet. */
const BESIDE_THE_FLEET = 1_000;
/** Addresses that one MiB holds, by nginx's documentation. */
const ADDRESSES_PER_MIB = 16_000;

/** How many sessions one client address may hold on each port; undefined for any number. */
export function sessionsPerAddress(
    args: Pick<NginxArgs, "collectorsExpected" | "sessionsPerAddress">,
): number | undefined {
    const limit = args.sessionsPerAddress || args.collectorsExpected + BESIDE_THE_FLEET;
    return limit > COUNTABLE ? undefined : limit;
}

/** The memory in which the sessions of each address are counted. A zone that is full refuses everybody. */
export function limitZone(name: string, connections: number): string {
    return `limit_conn_zone $binary_remote_addr zone=${name}:${Math.max(10, Math.ceil(connections / ADDRESSES_PER_MIB))}m;`;
}

/**
 * The limit itself. Refusals are no error, or each would write a line: they go to the journal, which keeps some of each
 * minute and counts the rest.
 */
export function limit(zone: string, sessions: number, indent: string): string {
    return [
        `limit_conn ${zone} ${sessions};`,
        "limit_conn_log_level warn;",
        "error_log /var/log/nginx/error.log;",
        "error_log syslog:server=unix:/dev/log,tag=nginx,nohostname warn;",
    ]
        .map((line) => `${indent}${line}\n`)
        .join("");
}
