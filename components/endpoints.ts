import { certificateNames, httpsNames, usesDns01, usesHttp01 } from "./certificate.ts";
import { withoutWildcard } from "./hostnames.ts";
import type { Settings } from "./settings/settings.ts";

/** The port that agents know by default. */
const GRPC_PORT = 50051;
const HTTPS_PORT = 443;

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

/** Every name for which the zone gets a record, those of challenges included. Pure. */
export function recordNames(settings: Settings): string[] {
    const written = settings.caaIssuer !== "" || usesDns01(settings);
    const certified = written ? certificateNames(settings).map(withoutWildcard) : [];
    return [...new Set([...publicNames(settings), ...certified])];
}

/** The TCP ports that the world, or the networks that the settings name, may reach. Pure. */
export function openPorts(settings: Settings): OpenPort[] {
    const grpc = grpcEndpoint(settings);
    const ports: OpenPort[] = [];
    if (settings.httpRedirect) {
        ports.push({
            port: 80,
            cidrs: usesHttp01(settings) ? [] : settings.httpsAllowedCidrs,
            description: usesHttp01(settings) ? "ACME challenges, and the redirect to https" : "The redirect to https",
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
