import { certificateNames, hasOwnCertificate } from "../../certificate.ts";
import { recordNames } from "../../endpoints.ts";
import { firstOutside } from "../../hostnames.ts";
import type { Settings } from "../settings.ts";
import { isLetsEncrypt } from "../schema/types.ts";
import { violations } from "./violations.ts";

export function nameRules(s: Settings): string[] {
    const zone = s.hostedZone;
    const outsideZone = zone === "" ? undefined : firstOutside(zone, recordNames(s));
    const named = [s.domain, s.uiDomain, s.grpcDomain].filter((name) => name !== "");
    return violations([
        [
            outsideZone === undefined,
            outsideZone === s.domain
                ? `domain ${s.domain} is not in hostedZone ${zone}. Choose a name that ends in .${zone}, or another zone.`
                : `${outsideZone} is not in hostedZone ${zone}. Choose a name that ends in .${zone}, or set dns to external.`,
        ],
        [
            new Set(named).size === named.length,
            "domain, uiDomain and grpcDomain are not three different names. Change one: nginx tells them apart by name.",
        ],
        [s.grpc || s.grpcDomain === "", "grpcDomain needs gRPC, but grpc is false. Remove one of them."],
        [
            s.dns !== "external" || s.hostedZone === "",
            "hostedZone is for Route 53, but dns is external. Remove one of them.",
        ],
        [
            s.dns !== "external" || !s.dnsAllowOverwrite,
            "dnsAllowOverwrite is for Route 53, but dns is external. Remove one of them.",
        ],
        [
            s.caaAccountUri === "" || s.caaIssuer !== "",
            "caaAccountUri needs caaIssuer. Set caaIssuer, for example to letsencrypt.org.",
        ],
        [
            s.caaIssuer === "" || !certificateNames(s).some((name) => name.startsWith("*.")),
            "caaIssuer publishes a CAA record for each host name, but a wildcard in certificateNames depends on that of the parent domain. Remove one of them.",
        ],
        [
            s.caaIssuer === "" ||
                s.caaIssuer === "letsencrypt.org" ||
                hasOwnCertificate(s) ||
                s.nodes > 1 ||
                !isLetsEncrypt(s),
            `caaIssuer ${s.caaIssuer} forbids the certificates of acmeDirectory ${s.acmeDirectory}. Set caaIssuer to letsencrypt.org.`,
        ],
        [
            s.caaAccountUri === "" || !hasOwnCertificate(s),
            "caaAccountUri is for ACME, but tlsCertificate is set. Remove one of them.",
        ],
    ]);
}
