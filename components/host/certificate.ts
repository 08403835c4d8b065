import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { DnsRecord } from "../cloud/dns/provider.ts";
import { DNS_AUTHENTICATORS } from "../cloud/dns/providers.ts";
import type { Settings } from "../settings/settings.ts";
import { readChain, unknownRoot } from "../settings/chain.ts";
import { certificateNames, hasOwnCertificate, httpsNames, usesHttp01 } from "../certificate.ts";
import { LETS_ENCRYPT, LETS_ENCRYPT_WEEKLY_LIMIT } from "../settings/schema/types.ts";
import type { Balancer, HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Checks that the public names lead to this machine, before the authority is asked for a certificate. */
export function reachable({ settings, host, zone, records, balancer }: HostContext): StepOptions | undefined {
    if (balancer) return undefined;
    return {
        variables: {
            ZONE: zone?.name ?? "",
            NAME_SERVERS: (zone?.nameServers ?? []).join("\n"),
            NAMES: httpsNames(settings).join("\n"),
            ADDRESSES: pulumi
                .all([host.ipv4, host.ipv6 ?? ""])
                .apply(([v4, v6]) => (v6 === "" ? v4 : `${v4}\n[${v6}]`)),
            PROBE: usesHttp01(settings) ? "yes" : "",
            PATIENCE: zone ? "300" : "900",
        },
        // If there are trusted proxies, the names may lead to those, and only the user knows their addresses.
        files: {
            records: !zone && settings.trustedProxies.length > 0 ? "" : pulumi.output(records).apply(renderRecords),
        },
        timeout: zone ? 600 : 1200,
    };
}

/** The user's own certificate. */
export function ownCertificate({ settings, balancer }: HostContext): StepOptions | undefined {
    if (balancer || !hasOwnCertificate(settings)) return undefined;
    const untrusted = unknownRoot(readChain(settings.tlsCertificate));
    if (untrusted) void pulumi.log.warn(untrusted);
    return {
        variables: { DOMAIN: settings.domain },
        files: { "fullchain.pem": settings.tlsCertificate },
        secrets: { "privkey.pem": settings.tlsPrivateKey },
    };
}

/** The certificate from an ACME authority, and its renewal. */
export function certificate({ settings, host, dns01, balancer }: HostContext): StepOptions | undefined {
    if (balancer || hasOwnCertificate(settings)) return undefined;
    if (host.device === undefined) {
        throw new pulumi.RunError(
            "The machine has no data volume, so each new machine would order another certificate, until the authority's limit. Give its Host a device, or set tlsCertificate.",
        );
    }
    const { acmeEabKeyId: key, acmeEabHmacKey: hmac } = settings;
    return {
        variables: {
            NAMES: [...certificateNames(settings)].sort().join("\n"),
            LINEAGE: lineageName(settings),
            EMAIL: settings.acmeEmail,
            DIRECTORY: acmeDirectoryUrl(settings),
            AUTHENTICATOR: dns01?.authenticator ?? "webroot",
            DNS_AUTHENTICATORS: DNS_AUTHENTICATORS.join("|"),
            WEEKLY_LIMIT: settings.acmeDirectory === "production" ? String(LETS_ENCRYPT_WEEKLY_LIMIT) : "",
        },
        files: { "ca.pem": settings.acmeCaBundle, ...(key === "" && { "eab.ini": "" }) },
        secrets: key === "" ? {} : { "eab.ini": hmac.map((text) => `eab-kid = ${key}\neab-hmac-key = ${text}\n`) },
        timeout: 600,
    };
}

/** "NAME TYPE VALUE", one a line. Pure. */
export function renderRecords(records: readonly DnsRecord[]): string {
    return records.map(({ name, type, value }) => `${name} ${type} ${value}\n`).join("");
}

/** The URL of the ACME directory. Pure. */
export function acmeDirectoryUrl(settings: Pick<Settings, "acmeDirectory">): string {
    return LETS_ENCRYPT[settings.acmeDirectory] ?? settings.acmeDirectory;
}

/**
 * certbot's name of the lineage, and of its folder below /etc/letsencrypt/live. Each ACME directory has a lineage of its
 * own, so that a return to an earlier directory orders no new certificate. Pure.
 */
export function lineageName({ domain, acmeDirectory }: Pick<Settings, "domain" | "acmeDirectory">): string {
    if (acmeDirectory === "production") return domain;
    if (acmeDirectory === "staging") return `${domain}-staging`;
    return `${domain}-${createHash("sha256").update(acmeDirectory).digest("hex").slice(0, 8)}`;
}

/**
 * Folder on the machine with the fullchain.pem and privkey.pem that nginx reads. Behind a load balancer, the step node puts a
 * certificate there that no client sees. Pure.
 */
export function certificateFolder(settings: Settings, balancer?: Balancer): string {
    return balancer || hasOwnCertificate(settings)
        ? "/etc/linkmesh-proxy/tls/current"
        : `/etc/letsencrypt/live/${lineageName(settings)}`;
}
