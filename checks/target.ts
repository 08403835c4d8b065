import type { CheckName, Family, ResolvedTarget, Target } from "./types.ts";

const TIMEOUT_MS = 10_000;

/** The listeners of an installation, by their usual ports. */
export const PORTS = { http: 80, https: 443, grpc: 50051, linkmeshHttp: 8080, linkmeshGrpc: 50061 } as const;

/** The names under which the machine is reached, the host first, each of them once. */
export function hostNames({ host, uiHost, grpc }: Target): string[] {
    return [...new Set([host, uiHost ?? host, (grpc && grpc.host) || host])];
}

/** One address of the target, with every default filled in. */
export function resolveTarget(target: Target, family: Family, address: string): ResolvedTarget {
    const { host, httpPort } = target;
    const grpc = grpcOf(target);
    const openPorts = openPortsOf(target);
    return {
        host,
        uiHost: target.uiHost ?? host,
        address,
        family,
        ca: target.ca,
        ownCertificate: target.ownCertificate ?? false,
        httpPort: httpPort || PORTS.http,
        httpsPort: httpsPortOf(target),
        grpc,
        openPorts,
        closedPorts: target.closedPorts ?? closedPortsOf(target, openPorts),
        timeoutMs: timeoutOf(target),
    };
}

export function timeoutOf({ timeoutMs = TIMEOUT_MS }: Target): number {
    return timeoutMs;
}

export function httpsPortOf({ httpsPort = PORTS.https }: Target): number {
    return httpsPort;
}

function grpcOf(target: Target): { host: string; port: number } {
    const { host, grpc } = target;
    const grpcHost = (grpc && grpc.host) || host;
    return { host: grpcHost, port: (grpc && grpc.port) || (grpcHost === host ? PORTS.grpc : httpsPortOf(target)) };
}

function openPortsOf(target: Target): number[] {
    const { httpPort = PORTS.http, grpc } = target;
    return [
        ...new Set([
            ...(httpPort === false ? [] : [httpPort]),
            httpsPortOf(target),
            ...(grpc === false ? [] : [grpcOf(target).port]),
        ]),
    ];
}

/** LinkMesh's own ports, plain HTTP and gRPC that bypass the proxy, and the public ports that are off. */
function closedPortsOf({ httpPort }: Target, openPorts: number[]): number[] {
    return [
        PORTS.linkmeshHttp,
        PORTS.linkmeshGrpc,
        ...(httpPort === false ? [PORTS.http] : []),
        ...(openPorts.includes(PORTS.grpc) ? [] : [PORTS.grpc]),
    ];
}

/** The checks that do not apply to this target, each with the reason. */
export function skippedChecks({ uiHost, grpc, httpPort, ssh, ownCertificate }: Target): Map<CheckName, string> {
    const reasons: [CheckName, boolean, string][] = [
        ["redirect", httpPort === false, "needs port 80, which --no-http says is off"],
        ["ui", uiHost === undefined, "needs the name of the web UI: --ui-host"],
        ["grpc", grpc === false, "needs gRPC, which --no-grpc says is off"],
        ...(["renewal", "served", "restart", "limits"] as const).map(
            (name) =>
                [name, ssh === undefined, "needs a way to log in to the machine: --ssh"] as [
                    CheckName,
                    boolean,
                    string,
                ],
        ),
        ["renewal", ownCertificate === true, "does not apply with --own-certificate, which nothing renews"],
    ];
    return new Map(reasons.filter(([, skipped]) => skipped).map(([name, , reason]) => [name, reason]));
}
