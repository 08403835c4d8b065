import { LISTENERS } from "../components/listeners.ts";
import type { CheckName, Family, ResolvedTarget, Target } from "./types.ts";

const TIMEOUT_MS = 10_000;

/** LinkMesh's own ports, behind nginx. */
const INTERNAL_PORTS = Object.values(LISTENERS).flatMap((row) => ("internalPort" in row ? [row.internalPort] : []));

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
        balanced: target.balancer !== undefined,
        address,
        family,
        ca: target.ca,
        ownCertificate: target.ownCertificate ?? false,
        httpPort: httpPort || LISTENERS.http.port,
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

export function httpsPortOf({ httpsPort = LISTENERS.https.port }: Target): number {
    return httpsPort;
}

function grpcOf(target: Target): { host: string; port: number } {
    const { host, grpc } = target;
    const grpcHost = (grpc && grpc.host) || host;
    return {
        host: grpcHost,
        port: (grpc && grpc.port) || (grpcHost === host ? LISTENERS.grpc.port : httpsPortOf(target)),
    };
}

function openPortsOf(target: Target): number[] {
    const { httpPort = LISTENERS.http.port, grpc } = target;
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
        ...INTERNAL_PORTS,
        ...(httpPort === false ? [LISTENERS.http.port] : []),
        ...(openPorts.includes(LISTENERS.grpc.port) ? [] : [LISTENERS.grpc.port]),
    ];
}

/** The checks that do not apply to this target, each with the reason. */
export function skippedChecks(target: Target): Map<CheckName, string> {
    const { uiHost, grpc, httpPort, health, ssh, nodes, balancer, ownCertificate } = target;
    const reasons: [CheckName, boolean, string][] = [
        ["redirect", httpPort === false, "needs port 80, which is off"],
        ["ui", uiHost === undefined, "needs a name of the web UI's own: --ui-host"],
        ["grpc", grpc === false, "needs gRPC, which is off"],
        ["health", health !== true, "needs a host with this program's health URL: --health"],
        ...(["setup", "renewal", "served", "restart", "limits"] as const).map(
            (name) =>
                [name, (ssh ?? nodes) === undefined, "needs a way to log in to the machine: --ssh"] as [
                    CheckName,
                    boolean,
                    string,
                ],
        ),
        ...(["renewal", "served"] as const).map(
            (name) =>
                [name, balancer !== undefined, "does not apply to a load balancer's certificate"] as [
                    CheckName,
                    boolean,
                    string,
                ],
        ),
        ["renewal", ownCertificate === true, "does not apply to an own certificate, which nothing renews"],
    ];
    return new Map(reasons.filter(([, skipped]) => skipped).map(([name, , reason]) => [name, reason]));
}
