import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { PublishedRecord } from "../cloud/dns.ts";
import type { Settings } from "../settings.ts";
import { readChain, unknownRoot } from "../settings/chain.ts";
import { answersChallenges, certificateNames, hasOwnCertificate, httpsNames } from "../surfaces.ts";
import { LETS_ENCRYPT } from "../validators.ts";
import type { SshHost } from "./ssh-host.ts";

export interface CertificateArgs {
    /** The Route 53 zone; undefined when the records are made elsewhere. */
    zone: { readonly name: string; readonly nameServers: readonly string[] } | undefined;
    records: pulumi.Input<PublishedRecord[]>;
    ipv4: pulumi.Input<string>;
    ipv6: pulumi.Input<string> | undefined;
}

/** The certificate of the public names. An authority is asked only once the names lead to this machine. */
export function setUpCertificate(host: SshHost, settings: Settings, args: CertificateArgs): void {
    const { zone } = args;
    host.step("reachable", {
        variables: {
            ZONE: zone?.name ?? "",
            NAME_SERVERS: (zone?.nameServers ?? []).join("\n"),
            NAMES: httpsNames(settings).join("\n"),
            ADDRESSES: pulumi
                .all([args.ipv4, args.ipv6 ?? ""])
                .apply(([ipv4, ipv6]) => (ipv6 === "" ? ipv4 : `${ipv4}\n[${ipv6}]`)),
            PROBE: answersChallenges(settings) ? "yes" : "",
            PATIENCE: zone ? "300" : "900",
        },
        // Behind a hop the names may lead there, and only their owner knows.
        files: {
            records: !zone && settings.trustedHops.length > 0 ? "" : pulumi.output(args.records).apply(renderRecords),
        },
        timeout: zone ? 600 : 1200,
    });
    if (hasOwnCertificate(settings)) {
        const untrusted = unknownRoot(readChain(settings.tlsCertificate));
        if (untrusted) void pulumi.log.warn(untrusted);
        host.step("own-certificate", {
            variables: { DOMAIN: settings.domain },
            files: { "fullchain.pem": settings.tlsCertificate },
            secrets: { "privkey.pem": settings.tlsPrivateKey },
        });
        return;
    }
    const names = certificateNames(settings);
    const { acmeEabKeyId: key, acmeEabHmacKey: hmac } = settings;
    host.step("certificate", {
        variables: {
            NAMES: [...names].sort().join("\n"),
            LINEAGE: lineageName(settings),
            EMAIL: settings.acmeEmail,
            DIRECTORY: acmeDirectoryUrl(settings),
            CHALLENGE: settings.acmeChallenge,
            WEEKLY_LIMIT: settings.acmeDirectory === "production" ? String(LETS_ENCRYPT_WEEKLY_LIMIT) : "",
        },
        files: { "ca.pem": settings.acmeCaBundle, ...(key === "" && { "eab.ini": "" }) },
        secrets: key === "" ? {} : { "eab.ini": hmac.map((text) => `eab-kid = ${key}\neab-hmac-key = ${text}\n`) },
        timeout: 600,
    });
}

/** "NAME TYPE VALUE", one a line. Pure. */
export function renderRecords(records: readonly PublishedRecord[]): string {
    return records.map(({ name, type, value }) => `${name} ${type} ${value}\n`).join("");
}

/** Certificates for one exact set of names in 7 days, https://letsencrypt.org/docs/rate-limits/ */
const LETS_ENCRYPT_WEEKLY_LIMIT = 5;

/** The URL of the ACME directory. Pure. */
export function acmeDirectoryUrl(settings: Pick<Settings, "acmeDirectory">): string {
    return LETS_ENCRYPT[settings.acmeDirectory] ?? settings.acmeDirectory;
}

/**
 * certbot's name of the certificate, and of its folder below /etc/letsencrypt/live. Each directory has its own, so that
 * a way back to one that was used before orders nothing anew. Pure.
 */
export function lineageName({ domain, acmeDirectory }: Pick<Settings, "domain" | "acmeDirectory">): string {
    if (acmeDirectory === "production") return domain;
    if (acmeDirectory === "staging") return `${domain}-staging`;
    return `${domain}-${createHash("sha256").update(acmeDirectory).digest("hex").slice(0, 8)}`;
}

/** Folder on the machine with the fullchain.pem and privkey.pem that nginx reads. Pure. */
export function certificateFolder(settings: Settings): string {
    return hasOwnCertificate(settings)
        ? "/etc/linkmesh-proxy/tls/current"
        : `/etc/letsencrypt/live/${lineageName(settings)}`;
}
