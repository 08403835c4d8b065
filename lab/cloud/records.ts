import type { CloudState, DnsRecord } from "./state.ts";

export function recordKey({ name, type }: Pick<DnsRecord, "name" | "type">): string {
    return `${name}_${type}`;
}

/**
 * What the DNS answers with: Route 53's records, and those made at another provider. Where Route 53 has a name, the
 * other provider is not asked for it, as after a change of the delegation.
 */
export function publicRecords({ records, externalRecords }: CloudState): DnsRecord[] {
    const own = Object.values(records);
    const names = new Set(own.map(({ name }) => name));
    return [...own, ...Object.values(externalRecords).filter(({ name }) => !names.has(name))];
}
