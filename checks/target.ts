import type { CheckName, ResolvedTarget, Family, Target } from "./types.ts";

const TIMEOUT_MS = 10_000;
const GRPC_PORT = 50051;

/** The names under which the machine is reached, the host first, each of them once. */
export function hostNames({ host, uiHost, grpc }: Target): string[] {
    return [...new Set([host, uiHost ?? host, (grpc && grpc.host) || host])];
}

/** One address of the target, with every default filled in. */
export function resolveTarget(target: Target, family: Family, address: string): ResolvedTarget {
    const { host, grpc, httpPort, httpsPort = 443 } = target;
    const grpcHost = (grpc && grpc.host) || host;
    const grpcPort = (grpc && grpc.port) || (grpcHost === host ? GRPC_PORT : httpsPort);
    const openPorts = [
        ...new Set([...(httpPort === false ? [] : [httpPort ?? 80]), httpsPort, ...(grpc === false ? [] : [grpcPort])]),
    ];
    const unused = [...(httpPort === false ? [80] : []), ...(openPorts.includes(GRPC_PORT) ? [] : [GRPC_PORT])];
    return {
        host,
        uiHost: target.uiHost ?? host,
        address,
        family,
        ca: target.ca,
        ownCertificate: target.ownCertificate ?? false,
        httpPort: httpPort || 80,
        httpsPort,
        grpc: { host: grpcHost, port: grpcPort },
        openPorts,
        closedPorts: target.closedPorts ?? [8080, 50061, ...unused],
        timeoutMs: timeoutOf(target),
    };
}

export function timeoutOf({ timeoutMs = TIMEOUT_MS }: Target): number {
    return timeoutMs;
}

/** The checks that mean nothing for this target, each with the reason. */
export function skippedChecks({ uiHost, grpc, httpPort, ssh, ownCertificate }: Target): Map<CheckName, string> {
    const reasons: [CheckName, boolean, string][] = [
        ["redirect", httpPort === false, "asks port 80, which is off: --no-http"],
        ["ui", uiHost === undefined, "needs the name of the web UI: --ui-host"],
        ["grpc", grpc === false, "asks for gRPC, which is off: --no-grpc"],
        ...(["renewal", "served", "restart", "limits"] as const).map(
            (name) => [name, ssh === undefined, "needs a way to the machine: --ssh"] as [CheckName, boolean, string],
        ),
        ["renewal", ownCertificate === true, "has nothing to ask: --own-certificate says that nothing renews it"],
    ];
    return new Map(reasons.filter(([, out]) => out).map(([name, , reason]) => [name, reason]));
}
