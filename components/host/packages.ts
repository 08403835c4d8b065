import type { Dns01 } from "../cloud/dns/provider.ts";
import type { Balancer } from "./context.ts";
import type { Settings } from "../settings/settings.ts";
import { hasOwnCertificate } from "../certificate.ts";

/** For every machine. The last one is for the step config: one run of apt is 2 s faster than two. */
const ALWAYS = [
    "nginx",
    "libnginx-mod-stream",
    "bind9-dnsutils",
    "openssl",
    "curl",
    "logrotate",
    "python3-ruamel.yaml",
];

/**
 * The Debian packages of a machine, which the step nginx installs where they are missing; docs/machine-image.sh has those of
 * all modes. Pure.
 */
export function machinePackages(
    settings: Pick<Settings, "tlsCertificate">,
    dns01: Dns01 | undefined,
    balancer?: Balancer,
): string[] {
    if (balancer || hasOwnCertificate(settings)) return ALWAYS;
    return [...ALWAYS, "certbot", ...(dns01 ? [dns01.package] : [])];
}
