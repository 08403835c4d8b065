import { createHash } from "node:crypto";
import { bySecrecy, made } from "../settings/secret.ts";
import type { Settings } from "../settings.ts";
import { grpcSurface } from "../surfaces.ts";
import { aptLogin, aptSource } from "./render/apt.ts";
import { renderConfig, renderEnvironment } from "./render/linkmesh.ts";
import { readFile } from "./render/script.ts";
import type { SshHost } from "./ssh-host.ts";

/** LinkMesh from its package, with its environment, the public name in its gRPC certificate, and its config.yaml. */
export function setUpLinkMesh(host: SshHost, settings: Settings): void {
    const { domain, linkmeshEnvironmentFile } = settings;
    const grpc = grpcSurface(settings);
    const name = packageName(settings);
    host.step("package", {
        variables: { NAME: name },
        ...bySecrecy({
            "deb-url": settings.linkmeshDebUrl,
            "apt-source": made(settings.linkmeshAptSource, aptSource),
            "apt-auth": made(settings.linkmeshAptSource, aptLogin),
            "apt-key.asc": settings.linkmeshAptKey,
        }),
        timeout: 1200,
    });
    host.step("install", {
        variables: {
            NAME: name,
            DOMAIN: domain,
            ENVIRONMENT_FILE: linkmeshEnvironmentFile,
            DIRECTORIES: settings.linkmeshDataPaths.join("\n"),
        },
        timeout: 1200,
    });
    host.step("environment", {
        variables: { DOMAIN: domain, GRPC_NAME: grpc?.host ?? "", ENVIRONMENT_FILE: linkmeshEnvironmentFile },
        secrets: { entries: settings.linkmeshEnvironment.map(renderEnvironment) },
    });
    if (grpc) host.step("grpc-certificate", { variables: { DOMAIN: domain, NAME: grpc.host } });
    host.step("config", {
        variables: { DOMAIN: domain, GRPC_NAME: grpc?.host ?? "" },
        files: {
            "config.yaml": configOverlay(settings),
            "merge_config.py": readFile("merge_config.py"),
        },
        timeout: 600,
    });
}

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
    return renderConfig({ domain, grpc: grpcSurface(settings), extra });
}
