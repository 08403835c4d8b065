import type { Settings } from "./settings/settings.ts";

/** The names of the https sites: domain first, then uiDomain if it is set. Pure. */
export function httpsNames({ domain, uiDomain }: Pick<Settings, "domain" | "uiDomain">): string[] {
    return uiDomain === "" ? [domain] : [domain, uiDomain];
}

/** The names in the public certificate. gRPC's name is not among them: LinkMesh has its own certificate for it. Pure. */
export function certificateNames(settings: Settings): readonly string[] {
    return settings.certificateNames.length > 0 ? settings.certificateNames : httpsNames(settings);
}

/** Characters. RFC 5280's limit for the name that becomes the certificate's common name. */
export const LONGEST_COMMON_NAME = 64;

/** The name by which AWS Certificate Manager is asked for the certificate. Undefined if all are too long. Pure. */
export function commonName(settings: Settings): string | undefined {
    return certificateNames(settings).find(({ length }) => length <= LONGEST_COMMON_NAME);
}

export function hasOwnCertificate({ tlsCertificate }: Pick<Settings, "tlsCertificate">): boolean {
    return tlsCertificate !== "";
}

/** Whether AWS Certificate Manager issues the certificate, for the load balancer of several machines. Pure. */
export function usesCertificateManager(settings: Pick<Settings, "tlsCertificate" | "nodes">): boolean {
    return !hasOwnCertificate(settings) && settings.nodes > 1;
}

type AcmeSettings = Pick<Settings, "tlsCertificate" | "acmeChallenge" | "nodes">;

/** Whether certbot gets the certificate from an ACME authority. Pure. */
function usesAcme(settings: AcmeSettings): boolean {
    return !hasOwnCertificate(settings) && !usesCertificateManager(settings);
}

/** Whether the certificate authority validates the names on port 80. Pure. */
export function usesHttp01(settings: AcmeSettings): boolean {
    return usesAcme(settings) && settings.acmeChallenge === "http-01";
}

/** Whether the certificate authority validates the names by TXT records in the zone. Pure. */
export function usesDns01(settings: AcmeSettings): boolean {
    return usesAcme(settings) && settings.acmeChallenge === "dns-01";
}
