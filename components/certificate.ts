import type { Settings } from "./settings/settings.ts";

/** The names that nginx answers https for: first that of collectors, then that of people when it is another. Pure. */
export function httpsNames({ domain, uiDomain }: Pick<Settings, "domain" | "uiDomain">): string[] {
    return uiDomain === "" ? [domain] : [domain, uiDomain];
}

/** The names in the public certificate, the lineage's own order. gRPC's is none of them: LinkMesh shows its own. Pure. */
export function certificateNames(settings: Settings): readonly string[] {
    return settings.certificateNames.length > 0 ? settings.certificateNames : httpsNames(settings);
}

export function hasOwnCertificate({ tlsCertificate }: Pick<Settings, "tlsCertificate">): boolean {
    return tlsCertificate !== "";
}

/** Whether a certificate authority comes to port 80. Pure. */
export function usesHttp01(settings: Pick<Settings, "tlsCertificate" | "acmeChallenge">): boolean {
    return !hasOwnCertificate(settings) && settings.acmeChallenge === "http-01";
}

/** Whether a certificate authority looks for records in the zone. Pure. */
export function usesDns01(settings: Pick<Settings, "tlsCertificate" | "acmeChallenge">): boolean {
    return !hasOwnCertificate(settings) && settings.acmeChallenge === "dns-01";
}
