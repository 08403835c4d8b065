import type { HostContext } from "./context.ts";
import { certificate, ownCertificate, reachable } from "./certificate.ts";
import { config, environment, fetchPackage, grpcCertificate, install } from "./linkmesh.ts";
import { metrics } from "./metrics.ts";
import { nginx, proxy, verify } from "./nginx.ts";
import { sessionManager } from "./session-manager.ts";
import type { SshHost, StepOptions } from "./ssh-host.ts";
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
    package: fetchPackage,
    install,
    environment,
    "grpc-certificate": grpcCertificate,
    config,
    proxy,
    verify,
    "session-manager": sessionManager,
    metrics,
};

/** Runs the steps on the host, one after the other. */
export function setUp(host: SshHost, context: HostContext): void {
    for (const [name, optionsOf] of Object.entries(STEPS)) {
        const options = optionsOf(context);
        if (options) host.step(name, options);
    }
}
