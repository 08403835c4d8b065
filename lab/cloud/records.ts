import type { CloudState, DnsRecord } from "./state.ts";

export function recordKey({ name, type }: Pick<DnsRecord, "name" | "type">): string {
    return `${name}_${type}`;
}

/**
 * The records of the DNS server: Route 53's, and those of another provider. If Route 53 has a name, the other
 * provider's records of that name are ignored, as if the name were delegated to Route 53.
 */
export function publicRecords({ records, externalRecords }: CloudState): DnsRecord[] {
    const own = Object.values(records);
    const names = new Set(own.map(({ name }) => name));
    return [...own, ...Object.values(externalRecords).filter(({ name }) => !names.has(name))];
}
