import type { Settings } from "./settings/settings";

/** The port that agents know by default. */
const GRPC_PORT = 50051;
const HTTPS_PORT = 443;

/** The names that nginx answers https for: first that of collectors, then that of people when it is another. Pure. */
export function httpsNames({ domain, uiDomain }: Pick<Settings, "domain" | "uiDomain">): string[] {
    return uiDomain === "" ? [domain] : [domain, uiDomain];
}

export interface GrpcEndpoint {
    host: string;
    port: number;
    /** It shares the port with https: the name in the handshake decides. */
    shared: boolean;
}

/** Where agents connect; undefined when gRPC is off. Pure. */
export function grpcEndpoint(settings: Pick<Settings, "domain" | "grpc" | "grpcDomain">): GrpcEndpoint | undefined {
    const { domain, grpc, grpcDomain } = settings;
    if (!grpc) return undefined;
    if (grpcDomain === "") return { host: domain, port: GRPC_PORT, shared: false };
    return { host: grpcDomain, port: HTTPS_PORT, shared: true };
}

/** Every name that leads to the machine. Pure. */
export function publicNames(settings: Settings): string[] {
    return [...new Set([...httpsNames(settings), grpcEndpoint(settings)?.host ?? settings.domain])];
}

/** The names in the public certificate, the lineage's own order. gRPC's is none of them: LinkMesh shows its own. Pure. */
export function certificateNames(settings: Settings): readonly string[] {
    return settings.certificateNames.length > 0 ? settings.certificateNames : httpsNames(settings);
}

/** Every name for which the zone gets a record, those of challenges included. Pure. */
export function recordNames(settings: Settings): string[] {
    const written = settings.caaIssuer !== "" || usesDns01(settings);
    const certified = written ? certificateNames(settings).map(withoutWildcard) : [];
    return [...new Set([...publicNames(settings), ...certified])];
}

export function hasOwnCertificate({ tlsCertificate }: Pick<Settings, "tlsCertificate">): boolean {
    return tlsCertificate !== "";
}

/** Whether a certificate authority comes to port 80. Pure. */
export function usesHttp01(settings: Pick<Settings, "tlsCertificate" | "acmeChallenge">): boolean {
    return !hasOwnCertificate(settings) && settings.acmeChallenge === "http-01";
}

/** The name itself, or the one that a wildcard stands below: where a certificate authority looks for records. Pure. */
export function withoutWildcard(name: string): string {
    return name.replace(/^\*\./, "");
}

/** Whether a certificate authority looks for records in the zone. Pure. */
export function usesDns01(settings: Pick<Settings, "tlsCertificate" | "acmeChallenge">): boolean {
    return !hasOwnCertificate(settings) && settings.acmeChallenge === "dns-01";
}

/** The first name that lies outside a zone. Pure. */
export function firstOutside(zone: string, names: readonly string[]): string | undefined {
    return names.find((name) => name !== zone && !name.endsWith(`.${zone}`));
}

/** True when the name is one of the pattern's, which may have a wildcard in place of its first label. Pure. */
export function covers(pattern: string, name: string): boolean {
    return pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".") + 1) === pattern.slice(2));
}

/** The family of a network in CIDR form. Pure. */
export function isIpv6(cidr: string): boolean {
    return cidr.includes(":");
}

/** The TCP ports that the world, or the networks that the settings name, may reach. Pure. */
export function openPorts(settings: Settings): OpenPort[] {
    const grpc = grpcEndpoint(settings);
    const ports: OpenPort[] = [];
    if (settings.httpRedirect) {
        ports.push({
            port: 80,
            cidrs: usesHttp01(settings) ? [] : settings.httpsAllowedCidrs,
            description: usesHttp01(settings)
                ? "ACME challenges, and the redirect to https"
                : "The redirect to https",
        });
    }
    ports.push({
        port: HTTPS_PORT,
        cidrs: settings.httpsAllowedCidrs,
        description: grpc?.shared
            ? "UI, REST API and OpAMP over https; gRPC of linkmesh-agent, mTLS passed through"
            : "UI, REST API and OpAMP over https",
    });
    if (grpc && !grpc.shared) {
        ports.push({
            port: GRPC_PORT,
            cidrs: settings.grpcAllowedCidrs,
            description: "gRPC of linkmesh-agent, mTLS passed through",
        });
    }
    return ports;
}

export interface OpenPort {
    port: number;
    /** Who may reach it; empty for the world. */
    cidrs: readonly string[];
    /** What listens there. */
    description: string;
}
