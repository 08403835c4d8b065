import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings.ts";
import { lineageName } from "./certificate.ts";
import { renderNginx, renderPort80 } from "./render/nginx.ts";
import type { SshHost } from "./ssh-host.ts";

/** nginx and certbot, installed and sized, with port 80 answering: what a certificate needs. */
export function installNginx(host: SshHost, settings: Settings): void {
    const config = renderNginx({ ...settings, lineage: lineageName(settings) });
    const port80 = renderPort80(settings);
    host.step("nginx", {
        variables: {
            DOMAIN: settings.domain,
            WORKER_CONNECTIONS: String(config.workerConnections),
            OPEN_FILES: String(config.openFiles),
            REVISION: port80.revision,
        },
        files: { "sysctl.conf": config.sysctl, ...port80.files },
        timeout: 1200,
    });
}

/** The https site and the gRPC stream, and the proof that they answer. Returns the last step. */
export function setUpProxy(host: SshHost, settings: Settings): pulumi.Resource {
    const lineage = lineageName(settings);
    const { revision, files } = renderNginx({ ...settings, lineage });
    host.step("proxy", { variables: { DOMAIN: settings.domain, LINEAGE: lineage, REVISION: revision }, files });
    return host.step("surfaces", { variables: { DOMAIN: settings.domain } });
}
