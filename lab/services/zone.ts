import { ipv6Twin } from "../network/router.ts";
import type { DnsRecord } from "../cloud/state.ts";
import { LAB_REGION, LAB_ZONE, LabError, type Lab } from "../lab.ts";

/** The name of the lab's ACME server. */
export const ACME_HOST = `acme.${LAB_ZONE}`;

/** The name of the lab's other ACME server, which stands in for a company's own server. */
export const CORPORATE_HOST = `corp-ca.${LAB_ZONE}`;

/** Zone of Let's Encrypt's two servers, which `acmeDirectory=staging` and `=production` use. */
export const LETS_ENCRYPT_ZONE = "api.letsencrypt.org";
export const LETS_ENCRYPT_HOSTS = [`acme-v02.${LETS_ENCRYPT_ZONE}`, `acme-staging-v02.${LETS_ENCRYPT_ZONE}`];

/** The user's own database and Git remote. */
export const STORAGE_HOST = `storage.${LAB_ZONE}`;

/** Route 53's API. */
export const ROUTE53_HOST = "route53.amazonaws.com";

/** CloudWatch's API. */
export const MONITORING_HOST = `monitoring.${LAB_REGION}.amazonaws.com`;

/**
 * The lab's zone as a zone file: the lab's own names, and the records of the cloud's hosted zone. Pure.
 *
 * @param serial must rise when the records change
 * @throws LabError if a record uses one of the lab's own names
 */
export function renderZone(lab: Lab, records: DnsRecord[], serial = 1): string {
    const ns = `ns1.${LAB_ZONE}`;
    const own = [
        // The last number is the TTL of negative answers. It is short, because tests add and remove records.
        `${LAB_ZONE}. 60 SOA ${ns}. hostmaster.${LAB_ZONE}. ${serial} 3600 600 86400 5`,
        `${LAB_ZONE}. 60 NS ${ns}.`,
        `${ns}. 60 A ${lab.net.dns}`,
        `${ns}. 60 AAAA ${ipv6Twin(lab, lab.net.dns)}`,
        ...[ACME_HOST, CORPORATE_HOST].map((host) => `${host}. 60 A ${lab.net.acme}`),
        `${STORAGE_HOST}. 60 A ${lab.net.storage}`,
    ];
    const lines = records.flatMap((record) => {
        if ([ns, ACME_HOST, CORPORATE_HOST, STORAGE_HOST].includes(record.name)) {
            throw new LabError(
                `${record.name} is a name of the lab's own servers: use another domain below ${LAB_ZONE}`,
            );
        }
        // Route 53 writes the wildcard `*` in octal.
        const name = record.name.replace(/^\\052\./, "*.");
        return record.values.map((value) => `${name}. ${record.ttl} ${record.type} ${rdata(record.type, value)}`);
    });
    return [...own, ...lines.sort()].join("\n") + "\n";
}

/** Zone files, by zone, of foreign names that lead to the lab's stand-ins. Only the lab's machines use them. Pure. */
export function renderForeignZones(lab: Lab): Record<string, string> {
    return {
        [LETS_ENCRYPT_ZONE]: foreignZone(LETS_ENCRYPT_ZONE, LETS_ENCRYPT_HOSTS, lab.net.acme),
        [ROUTE53_HOST]: foreignZone(ROUTE53_HOST, [ROUTE53_HOST], lab.net.aws),
        [MONITORING_HOST]: foreignZone(MONITORING_HOST, [MONITORING_HOST], lab.net.aws),
    };
}

function foreignZone(zone: string, hosts: string[], address: string): string {
    const ns = `ns1.${LAB_ZONE}`;
    const lines = [
        `${zone}. 60 SOA ${ns}. hostmaster.${LAB_ZONE}. 1 3600 600 86400 5`,
        `${zone}. 60 NS ${ns}.`,
        ...hosts.map((host) => `${host}. 60 A ${address}`),
    ];
    return lines.join("\n") + "\n";
}

function rdata(type: DnsRecord["type"], value: string): string {
    if (type === "CNAME") return value.endsWith(".") ? value : `${value}.`;
    if (type === "TXT" && !value.startsWith('"')) return `"${value.replace(/["\\]/g, "\\$&")}"`;
    return value;
}
