import { Resolver } from "node:dns/promises";
import { MISSING_RECORD, WRONG_RECORD } from "./causes.ts";
import { hostNames, timeoutOf } from "./target.ts";
import { fail, ok, warn, type Addresses, type Target, type Verdict } from "./types.ts";

/** The A and AAAA records of each name. */
export type Records = Map<string, Addresses>;

/** The name has no such record, or does not exist. */
const NO_RECORD = new Set(["ENODATA", "ENOTFOUND"]);

/** @throws the resolver's error if it does not answer */
export async function lookUp(target: Target): Promise<Records> {
    const resolver = new Resolver({ timeout: timeoutOf(target), tries: 1 });
    if (Array.isArray(target.dns)) resolver.setServers(target.dns);
    const none = (error: NodeJS.ErrnoException) => {
        if (NO_RECORD.has(error.code ?? "")) return [];
        throw error;
    };
    const entries = hostNames(target).map(async (host): Promise<[string, Addresses]> => {
        const [ipv4, ipv6] = await Promise.all([
            resolver.resolve4(host).catch(none),
            resolver.resolve6(host).catch(none),
        ]);
        return [host, { ipv4: ipv4.sort(), ipv6: ipv6.sort() }];
    });
    return new Map(await Promise.all(entries));
}

/**
 * Compares the records with the addresses of the target. If the target has none, the host may have any one address of each
 * family, and the other names must have the same ones.
 */
export function judgeAddresses(target: Target, found: Records): Verdict {
    const given = target.ipv4 !== undefined || Boolean(target.ipv6);
    const wanted = target.balancer ?? { ipv4: list(target.ipv4), ipv6: list(target.ipv6 || undefined) };
    const verdicts = [...found].map(([host, addresses]) =>
        judge(host, addresses, target, given ? wanted : host === target.host ? undefined : found.get(target.host)),
    );
    const wrong = ["fail", "warn"].flatMap((status) => verdicts.filter((verdict) => verdict.status === status));
    if (wrong[0]) return wrong[0];
    const names = found.size > 1 ? ` for ${[...found.keys()].join(", ")}` : "";
    return ok(`${verdicts[0]!.detail}${names}`);
}

function judge(host: string, found: Addresses, target: Target, wanted: Addresses | undefined): Verdict {
    const all = [...found.ipv4, ...found.ipv6];
    if (all.length === 0) {
        return fail(`there is no A or AAAA record for ${host}`, MISSING_RECORD);
    }
    if (target.ipv6 === false && found.ipv6.length > 0) {
        return fail(
            `DNS returns ${found.ipv6.join(", ")} for ${host}, which has no IPv6`,
            `clients that prefer IPv6 cannot connect; ${WRONG_RECORD}`,
        );
    }
    if (wanted === undefined) {
        if (found.ipv4.length > 1 || found.ipv6.length > 1) {
            return warn(
                `DNS returns ${all.join(", ")}: of several addresses of a family only the first is checked`,
                WRONG_RECORD,
            );
        }
        return ok(`DNS returns ${all.join(" and ")}`);
    }
    const expected = [...wanted.ipv4, ...wanted.ipv6].join(" and ");
    if (same(found.ipv4, wanted.ipv4) && same(found.ipv6, wanted.ipv6)) return ok(`DNS returns ${expected}`);
    return fail(`DNS returns ${all.join(", ")} for ${host} instead of ${expected} only`, WRONG_RECORD);
}

/** None or one. */
export function list(address: string | undefined): string[] {
    return address === undefined ? [] : [address];
}

function same(found: string[], wanted: string[]): boolean {
    return found.map(canonical).sort().join() === wanted.map(canonical).sort().join();
}

/** "fd77::1" for "FD77:0:0:0::1". */
function canonical(address: string): string {
    return address.includes(":") ? new URL(`http://[${address}]/`).hostname : address;
}
