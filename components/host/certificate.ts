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
        variables: { DOMAIN: domain, EMAIL: settings.acmeEmail, DIRECTORY: acmeDirectoryUrl(settings) },
        files: { "ca.pem": settings.acmeCaBundle },
        timeout: 600,
    });
}
