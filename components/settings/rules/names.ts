import { certificateNames, hasOwnCertificate } from "../../certificate.ts";
import { recordNames } from "../../endpoints.ts";
import { firstOutside } from "../../hostnames.ts";
import type { Settings } from "../settings.ts";
import { isLetsEncrypt } from "../schema/types.ts";
import { violations } from "./violations.ts";

export function nameRules(s: Settings): string[] {
    const zone = s.hostedZone;
    const stranger = zone === "" ? undefined : firstOutside(zone, recordNames(s));
    const named = [s.domain, s.uiDomain, s.grpcDomain].filter((name) => name !== "");
    return violations([
        [
            stranger === undefined,
            stranger === s.domain
                ? `domain ${s.domain} lies outside hostedZone ${zone}: choose a name that ends in .${zone}, or another zone.`
                : `${stranger} lies outside hostedZone ${zone}: choose a name that ends in .${zone}, or publish all names by dns=external.`,
        ],
        [
            new Set(named).size === named.length,
            "domain, uiDomain and grpcDomain must be different names: nginx tells what is meant by them.",
        ],
        [s.grpc || s.grpcDomain === "", "grpcDomain names gRPC, but grpc is false: remove one of them."],
        [
            s.dns === "route53" || s.hostedZone === "",
            "hostedZone is a zone of Route 53, but dns is external: remove one of them.",
        ],
        [
            s.dns === "route53" || !s.dnsAllowOverwrite,
            "dnsAllowOverwrite speaks of records in Route 53, but dns is external: remove one of them.",
        ],
        [
            s.caaAccountUri === "" || s.caaIssuer !== "",
            "caaAccountUri narrows a CAA record, which there is none of: set caaIssuer, such as letsencrypt.org, too.",
        ],
        [
            s.caaIssuer === "" || !certificateNames(s).some((name) => name.startsWith("*.")),
            "caaIssuer publishes a record for each host, but certificateNames holds a wildcard, which the record of the whole domain decides on: remove one of them.",
        ],
        [
            s.caaIssuer === "" || s.caaIssuer === "letsencrypt.org" || hasOwnCertificate(s) || !isLetsEncrypt(s),
            `caaIssuer ${s.caaIssuer} would forbid the certificates of acmeDirectory ${s.acmeDirectory}: set it to letsencrypt.org.`,
        ],
        [
            s.caaAccountUri === "" || !hasOwnCertificate(s),
            "caaAccountUri names an ACME account, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
    ]);
}
