import type { Dns01 } from "../cloud/dns/provider.ts";
import type { Settings } from "../settings/settings.ts";
import { hasOwnCertificate } from "../certificate.ts";
import { grpcEndpoint } from "../endpoints.ts";
import { HEALTH_PATH } from "../health.ts";
import { listeners } from "../listeners.ts";
import { certificateFolder } from "./certificate.ts";
import { linkmeshRevision } from "./linkmesh.ts";
import type { NginxArgs } from "./render/nginx/args.ts";
import { renderNginx, renderPort80 } from "./render/nginx/config.ts";
import { loopbackAddresses } from "./render/nginx/sizes.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

function nginxArgs({ settings, host }: HostContext): NginxArgs {
    const { domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress } = settings;
    return {
        ...{ domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress },
        ipv6: host.ipv6 !== undefined,
        listeners: listeners(settings),
        linkmeshAddresses: loopbackAddresses(collectorsExpected),
        certificate: certificateFolder(settings),
    };
}

/** Installs nginx and certbot, sets nginx's limits, and serves port 80, which HTTP-01 needs. */
export function nginx(context: HostContext): StepOptions {
    const { settings, dns01 } = context;
    const args = nginxArgs(context);
    const config = renderNginx(args);
    const port80 = renderPort80(args);
    return {
        variables: {
            CERTBOT: certbotPackages(settings, dns01).join("\n"),
            HTTP2_PER_NAME: settings.uiDomain === "" ? "" : "yes",
            WORKER_CONNECTIONS: String(config.workerConnections),
            OPEN_FILES: String(config.openFiles),
            REVISION: port80.revision,
        },
        files: { "sysctl.conf": config.sysctl, ...port80.files },
        timeout: 1200,
    };
}

function certbotPackages(settings: Settings, dns01: Dns01 | undefined): string[] {
    if (hasOwnCertificate(settings)) return [];
    return dns01 ? ["certbot", dns01.package] : ["certbot"];
}

/** Serves the https sites and the gRPC stream. */
export function proxy(context: HostContext): StepOptions {
    const args = nginxArgs(context);
    const { revision, files } = renderNginx(args);
    return {
        variables: {
            DOMAIN: args.domain,
            CERTIFICATE: args.certificate,
            GRPC: context.settings.grpc ? "yes" : "",
            REVISION: revision,
        },
        files: {
            ...files,
            "serve-certificate.sh": readFile("machine/serve-certificate.sh"),
            "health.sh": readFile("machine/health.sh"),
        },
    };
}

/** Checks that every endpoint answers. */
export function verify({ settings, host }: HostContext): StepOptions {
    const grpc = grpcEndpoint(settings);
    return {
        variables: {
            DOMAIN: settings.domain,
            UI_DOMAIN: settings.uiDomain,
            GRPC_HOST: grpc?.host ?? "",
            GRPC_PORT: grpc ? String(grpc.port) : "",
            REDIRECT: settings.httpRedirect ? "yes" : "",
            LOOPBACK: host.ipv6 === undefined ? "127.0.0.1" : "127.0.0.1\n[::1]",
            LINKMESH: linkmeshRevision(settings),
            HEALTH_PATH,
        },
        formerName: "surfaces",
    };
}
