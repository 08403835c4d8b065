import type { HostContext } from "./context.ts";
import { inService, node } from "./balancer.ts";
import { certificate, ownCertificate, reachable } from "./certificate.ts";
import { config, environment, fetchPackage, files, firstStart, grpcCertificate, install } from "./linkmesh.ts";
import { metrics } from "./metrics.ts";
import { nginx, proxy, verify } from "./nginx.ts";
import { sessionManager } from "./session-manager.ts";
import { DEFAULT_TIMEOUT, type SshHost, type StepOptions } from "./ssh-host.ts";
import { upkeep } from "./upkeep.ts";
import { volume } from "./volume.ts";

/**
 * The steps on the machine in order, with the options of each. The script of a step is `scripts/NAME.sh`. A step whose options
 * are undefined is left out. The certificate comes before LinkMesh, so that everything stays as it is under the old name if a
 * new name gets no certificate.
 */
export const STEPS: Readonly<Record<string, (context: HostContext) => StepOptions | undefined>> = {
    ready: () => ({ connectionAttempts: 30, timeout: 900 }),
    volume,
    upkeep,
    nginx,
    reachable,
    "own-certificate": ownCertificate,
    certificate,
    node,
    package: fetchPackage,
    files,
    "first-start": firstStart,
    install,
    environment,
    "grpc-certificate": grpcCertificate,
    config,
    proxy,
    verify,
    "session-manager": sessionManager,
    metrics,
    "in-service": inService,
};

/** Runs the steps on the host, one after the other. */
export function setUp(host: SshHost, context: HostContext): void {
    for (const [name, optionsOf] of Object.entries(STEPS)) {
        const options = optionsOf(context);
        if (options) host.step(name, { ...options, ...timeLimit(options, context) });
    }
}

/** How often a step may stop LinkMesh at most: to change it, for its certificate, and to put back what it was. */
const STOPS = 4;

/** Behind a load balancer, each stop of LinkMesh waits until that sends nothing more. */
function timeLimit(
    { timeout = DEFAULT_TIMEOUT }: StepOptions,
    { balancer }: HostContext,
): Pick<StepOptions, "timeout"> {
    return balancer ? { timeout: timeout + STOPS * balancer.drainSeconds } : {};
}
