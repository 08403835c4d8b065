import { createHash } from "node:crypto";
import { bySecrecy, made } from "../settings/secret.ts";
import type { Settings } from "../settings/settings.ts";
import { grpcEndpoint } from "../endpoints.ts";
import { aptLogin, aptSource } from "./render/apt.ts";
import { renderConfig, renderEnvironment } from "./render/linkmesh.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** LinkMesh's package, fetched and kept on the data volume. */
export function fetchPackage({ settings }: HostContext): StepOptions {
    return {
        variables: { NAME: packageName(settings) },
        ...bySecrecy({
            "deb-url": settings.linkmeshDebUrl,
            "apt-source": made(settings.linkmeshAptSource, aptSource),
            "apt-auth": made(settings.linkmeshAptSource, aptLogin),
            "apt-key.asc": settings.linkmeshAptKey,
        }),
        timeout: 1200,
    };
}

/** LinkMesh from that package. */
export function install({ settings }: HostContext): StepOptions {
    return {
        variables: {
            NAME: packageName(settings),
            DOMAIN: settings.domain,
            ENVIRONMENT_FILE: settings.linkmeshEnvironmentFile,
            DIRECTORIES: settings.linkmeshDataPaths.join("\n"),
        },
        timeout: 1200,
    };
}

/** Its environment variables. */
export function environment({ settings }: HostContext): StepOptions {
    const { domain, linkmeshEnvironmentFile } = settings;
    return {
        variables: { DOMAIN: domain, GRPC_NAME: grpcHost(settings), ENVIRONMENT_FILE: linkmeshEnvironmentFile },
        secrets: { entries: settings.linkmeshEnvironment.map(renderEnvironment) },
    };
}

/** The public name in LinkMesh's own certificate on the gRPC port. */
export function grpcCertificate({ settings }: HostContext): StepOptions | undefined {
    if (!settings.grpc) return undefined;
    return { variables: { DOMAIN: settings.domain, NAME: grpcHost(settings) } };
}

/** Its config.yaml. */
export function config({ settings }: HostContext): StepOptions {
    return {
        variables: { DOMAIN: settings.domain, GRPC_NAME: grpcHost(settings) },
        files: {
            "config.yaml": configOverlay(settings),
            "merge_config.py": readFile("merge_config.py"),
        },
        timeout: 600,
    };
}

const grpcHost = (settings: Settings) => grpcEndpoint(settings)?.host ?? "";

/** Names LinkMesh's package and the keys of its config.yaml, which together decide what it serves. Pure. */
export function linkmeshRevision(settings: Settings): string {
    const text = [packageName(settings), configOverlay(settings)].join("\n");
    return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** What the package is kept as on the data volume. */
function packageName({ linkmeshAptSource, linkmeshVersion, linkmeshDebSha256 }: Settings): string {
    return linkmeshAptSource !== "" ? linkmeshVersion : linkmeshDebSha256;
}

function configOverlay(settings: Settings): string {
    const { domain, linkmeshConfig: extra } = settings;
    return renderConfig({ domain, grpc: grpcEndpoint(settings), extra });
}
