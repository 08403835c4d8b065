import type { NginxArgs } from "./args.ts";

/** nginx's largest limit_conn. */
export const MAX_LIMIT = 65_535;
/** Added to a fleet that shares one address: for people there, and for dead sessions that nginx has not noticed yet. */
const EXTRA_SESSIONS = 1_000;
/** Addresses in one MiB of a zone, according to nginx's documentation. */
const ADDRESSES_PER_MIB = 16_000;

/**
 * For every server. No limit counts a client before its request has arrived, so only this ends clients that never finish their
 * handshake or header: with nginx's 60 s, one address could hold all connections with a few hundred new ones a second.
 */
export const HEADER_TIMEOUT = "client_header_timeout 20s;";

/** How many sessions one client address may hold on each port; undefined for no limit. */
export function sessionsPerAddress(
    args: Pick<NginxArgs, "collectorsExpected" | "sessionsPerAddress">,
): number | undefined {
    const limit = args.sessionsPerAddress || args.collectorsExpected + EXTRA_SESSIONS;
    return limit > MAX_LIMIT ? undefined : limit;
}

/** The zone that counts the sessions of each address. It has room for all connections, because a full zone refuses everyone. */
export function limitZone(name: string, connections: number): string {
    return `limit_conn_zone $binary_remote_addr zone=${name}:${Math.max(10, Math.ceil(connections / ADDRESSES_PER_MIB))}m;`;
}

/**
 * The limit of a server. As errors, refusals would each write a line to error.log. As warnings, they go to the journal, which
 * keeps some of each minute and counts the rest.
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
