import { certificateNames, httpsNames, usesCertificateManager, usesDns01 } from "./certificate.ts";
import { withoutWildcard } from "./hostnames.ts";
import { listeners } from "./listeners.ts";
import type { Settings } from "./settings/settings.ts";

/** Where agents connect. */
export interface GrpcEndpoint {
    host: string;
    port: number;
}

/** Undefined when gRPC is off. Pure. */
export function grpcEndpoint(settings: Settings): GrpcEndpoint | undefined {
    const grpc = listeners(settings).find(({ name }) => name === "grpc");
    return grpc && { host: grpc.serverName ?? settings.domain, port: grpc.port };
}

/** Every name that has the machine's addresses. Pure. */
export function publicNames(settings: Settings): string[] {
    return [...new Set([...httpsNames(settings), grpcEndpoint(settings)?.host ?? settings.domain])];
}

/** Every name that needs a record in the zone: addresses, CAA, or what an authority validates. Pure. */
export function recordNames(settings: Settings): string[] {
    const needsRecords = settings.caaIssuer !== "" || usesDns01(settings) || usesCertificateManager(settings);
    const certificateRecordNames = needsRecords ? certificateNames(settings).map(withoutWildcard) : [];
    return [...new Set([...publicNames(settings), ...certificateRecordNames])];
}
