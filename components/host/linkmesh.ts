import type { Settings } from "../settings.ts";
import { grpcSurface } from "../surfaces.ts";
import { renderConfig, renderEnvironment } from "./render/linkmesh.ts";
import { readFile } from "./render/step.ts";
import type { SshHost } from "./ssh-host.ts";

/** LinkMesh from its package, with its environment, the public name in its gRPC certificate, and its config.yaml. */
export function setUpLinkMesh(host: SshHost, settings: Settings): void {
    const { domain, linkmeshEnvironmentFile } = settings;
    const fromSource = settings.linkmeshAptSource !== "";
    const grpc = grpcSurface(settings);
    const name = fromSource ? settings.linkmeshVersion : settings.linkmeshDebSha256;
    host.step("package", {
        variables: {
            NAME: name,
            DEB_URL: settings.linkmeshDebUrl,
            APT_SOURCE: settings.linkmeshAptSource,
        },
        files: { "apt-key.asc": settings.linkmeshAptKey },
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
        variables: { DOMAIN: domain, ENVIRONMENT_FILE: linkmeshEnvironmentFile },
        files: { entries: renderEnvironment(settings.linkmeshEnvironment) },
        secret: true,
    });
    if (grpc) host.step("grpc-certificate", { variables: { DOMAIN: domain, NAME: grpc.host } });
    host.step("config", {
        variables: { DOMAIN: domain },
        files: {
            "config.yaml": renderConfig({ domain, grpc, extra: settings.linkmeshConfig }),
            "merge_config.py": readFile("merge_config.py"),
        },
        timeout: 600,
    });
}
