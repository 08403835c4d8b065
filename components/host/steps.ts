import type { HostContext } from "./context.ts";
import { certificate, ownCertificate, reachable } from "./certificate.ts";
import { config, environment, fetchPackage, grpcCertificate, install } from "./linkmesh.ts";
import { nginx, proxy, verify } from "./nginx.ts";
import type { SshHost, StepOptions } from "./ssh-host.ts";
import { volume } from "./volume.ts";

/**
 * The steps on the machine in their order, each the script of its name in `scripts/`, with what the script is given.
 * A step that answers with undefined is left out. The certificate comes before LinkMesh is touched: when a new name
 * cannot have one, all is left as it was under the old name.
 */
export const STEPS: Readonly<Record<string, (context: HostContext) => StepOptions | undefined>> = {
    ready: () => ({ connectionAttempts: 30, timeout: 900 }),
    volume,
    upkeep: () => ({}),
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
};

/** Has the host run its steps, one after the other. */
export function setUp(host: SshHost, context: HostContext): void {
    for (const [name, given] of Object.entries(STEPS)) {
        const options = given(context);
        if (options) host.step(name, options);
    }
}
