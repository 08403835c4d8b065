import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { acmeDirectoryUrl, type Settings } from "../settings.ts";
import type { SshHost } from "./ssh-host.ts";

export interface CertificateArgs {
    zoneName: string;
    ipv4: pulumi.Input<string>;
    ipv6: pulumi.Input<string>;
}

/** The certificate of the public hostname, asked for only once the name leads to this machine. */
export function setUpCertificate(host: SshHost, settings: Settings, args: CertificateArgs): void {
    const { domain } = settings;
    host.step("reachable", {
        variables: { DOMAIN: domain, ZONE: args.zoneName, IPV4: args.ipv4, IPV6: args.ipv6 },
        timeout: 600,
    });
    host.step("certificate", {
        variables: {
            DOMAIN: domain,
            LINEAGE: lineageName(settings),
            EMAIL: settings.acmeEmail,
            DIRECTORY: acmeDirectoryUrl(settings),
            WEEKLY_LIMIT: settings.acmeDirectory === "production" ? String(LETS_ENCRYPT_WEEKLY_LIMIT) : "",
        },
        files: { "ca.pem": settings.acmeCaBundle },
        timeout: 600,
    });
}

/** Certificates for one exact set of names in 7 days, https://letsencrypt.org/docs/rate-limits/ */
const LETS_ENCRYPT_WEEKLY_LIMIT = 5;

/**
 * certbot's name of the certificate, and of its folder below /etc/letsencrypt/live. Each directory has its own, so that
 * a way back to one that was used before orders nothing anew. Pure.
 */
export function lineageName({ domain, acmeDirectory }: Pick<Settings, "domain" | "acmeDirectory">): string {
    if (acmeDirectory === "production") return domain;
    if (acmeDirectory === "staging") return `${domain}-staging`;
    return `${domain}-${createHash("sha256").update(acmeDirectory).digest("hex").slice(0, 8)}`;
}
