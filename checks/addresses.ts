import { Resolver } from "node:dns/promises";
import { fail, ok, warn, type Family, type Target, type Verdict } from "./types.ts";

export type Addresses = Record<Family, string[]>;

/** "linkmesh.example.com" has no such record, or does not exist. */
const NONE = new Set(["ENODATA", "ENOTFOUND"]);

/** The A and AAAA records of the host. @throws the resolver's error when it does not answer */
export async function lookUp(target: Target): Promise<Addresses> {
    const resolver = new Resolver({ timeout: target.timeoutMs, tries: 1 });
    if (Array.isArray(target.dns)) resolver.setServers(target.dns);
    const none = (error: NodeJS.ErrnoException) => {
        if (NONE.has(error.code ?? "")) return [];
        throw error;
    };
    const [ipv4, ipv6] = await Promise.all([
        resolver.resolve4(target.host).catch(none),
        resolver.resolve6(target.host).catch(none),
    ]);
    return { ipv4: ipv4.sort(), ipv6: ipv6.sort() };
}

/** Compares the DNS with the addresses of the target; where it has none, any one address per family is right. */
export function judgeAddresses(target: Target, found: Addresses): Verdict {
    const all = [...found.ipv4, ...found.ipv6];
    if (all.length === 0) {
        return fail(
            `the DNS has no A or AAAA record for ${target.host}`,
            "check the records and the zone's delegation, or give the addresses: --ipv4, --ipv6",
        );
    }
    if (target.ipv4 === undefined && target.ipv6 === undefined) {
        if (found.ipv4.length > 1 || found.ipv6.length > 1) {
            return warn(
                `the DNS gives ${all.join(", ")}: more than one address of a kind, of which only the first is checked`,
                "remove the records of machines that are gone",
            );
        }
        return ok(`the DNS gives ${all.join(" and ")}`);
    }
    const wanted = [target.ipv4, target.ipv6].filter((address) => address !== undefined);
    if (same(found.ipv4, target.ipv4) && same(found.ipv6, target.ipv6))
        return ok(`the DNS gives ${wanted.join(" and ")}`);
    return fail(
        `the DNS gives ${all.join(", ")} for ${target.host}, expected was ${wanted.join(" and ")} only`,
        "correct the A and AAAA records, or wait until the old ones have left the caches",
    );
}

function same(found: string[], wanted: string | undefined): boolean {
    return found.map(canonical).join() === (wanted === undefined ? "" : canonical(wanted));
}

/** One spelling for each IPv6 address: "FD77:0:0:0::1" and "fd77::1" are the same. */
function canonical(address: string): string {
    return address.includes(":") ? new URL(`http://[${address}]/`).hostname : address;
}
