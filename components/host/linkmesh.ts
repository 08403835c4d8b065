import { createHash } from "node:crypto";
import { storageBackend } from "../settings/rules/tier.ts";
import { splitSecrets, mapValue } from "../settings/secret.ts";
import type { Settings } from "../settings/settings.ts";
import { grpcEndpoint } from "../endpoints.ts";
import { aptLogin, aptSource } from "./render/apt.ts";
import { renderConfig, renderEnvironment, renderFiles } from "./render/linkmesh.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Downloads LinkMesh's package to the data volume. */
export function fetchPackage({ settings }: HostContext): StepOptions {
    return {
        variables: { NAME: packageName(settings) },
        ...splitSecrets({
            "deb-url": settings.linkmeshDebUrl,
            "apt-source": mapValue(settings.linkmeshAptSource, aptSource),
            "apt-auth": mapValue(settings.linkmeshAptSource, aptLogin),
            "apt-key.asc": settings.linkmeshAptKey,
        }),
        timeout: 1200,
    };
}

/** Writes LinkMesh's files. */
export function files({ settings }: HostContext): StepOptions | undefined {
    if (fileNames(settings).length === 0) return undefined;
    return {
        variables: { DOMAIN: settings.domain, GRPC_NAME: grpcHost(settings) },
        secrets: { entries: settings.linkmeshFiles.map(renderFiles) },
    };
}

/**
 * Gives LinkMesh's first start the environment of data that are kept elsewhere: what several machines share, and what one
 * machine takes over from several.
 */
export function firstStart({ settings, balancer }: HostContext): StepOptions | undefined {
    const takesOver = storageBackend(settings) === "mongodb" && settings.linkmeshEnvironment.entries().length > 0;
    if (!balancer && !takesOver) return undefined;
    return {
        variables: { ENVIRONMENT_FILE: settings.linkmeshEnvironmentFile },
        secrets: { entries: settings.linkmeshEnvironment.map(renderEnvironment) },
    };
}

/** Installs LinkMesh from that package. */
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

/** Writes LinkMesh's environment file. */
export function environment({ settings }: HostContext): StepOptions {
    const { domain, linkmeshEnvironmentFile } = settings;
    return {
        variables: { DOMAIN: domain, GRPC_NAME: grpcHost(settings), ENVIRONMENT_FILE: linkmeshEnvironmentFile },
        secrets: { entries: settings.linkmeshEnvironment.map(renderEnvironment) },
    };
}

/** Adds the public name to LinkMesh's own certificate for gRPC. */
export function grpcCertificate({ settings }: HostContext): StepOptions | undefined {
    if (!settings.grpc) return undefined;
    return { variables: { DOMAIN: settings.domain, NAME: grpcHost(settings) } };
}

/** Writes LinkMesh's config.yaml, and removes the files that it no longer needs. */
export function config({ settings }: HostContext): StepOptions {
    return {
        variables: {
            DOMAIN: settings.domain,
            GRPC_NAME: grpcHost(settings),
            FILE_NAMES: fileNames(settings).join("\n"),
        },
        files: {
            "config.yaml": configOverlay(settings),
            "merge_config.py": readFile("merge_config.py"),
        },
        timeout: 600,
    };
}

const fileNames = ({ linkmeshFiles }: Settings) => linkmeshFiles.entries().map(([name]) => name);

const grpcHost = (settings: Settings) => grpcEndpoint(settings)?.host ?? "";

/** A hash of what decides what LinkMesh serves: its package and the keys of its config.yaml. Pure. */
export function linkmeshRevision(settings: Settings): string {
    const text = [packageName(settings), configOverlay(settings)].join("\n");
    return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** The name of the package on the data volume. */
function packageName({ linkmeshAptSource, linkmeshVersion, linkmeshDebSha256 }: Settings): string {
    return linkmeshAptSource !== "" ? linkmeshVersion : linkmeshDebSha256;
}

function configOverlay(settings: Settings): string {
    const { domain, linkmeshConfig: extra } = settings;
    return renderConfig({ domain, grpc: grpcEndpoint(settings), extra });
}
