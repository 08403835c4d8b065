import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings.ts";
import { grpcSurface, hasOwnCertificate } from "../surfaces.ts";
import { certificateFolder } from "./certificate.ts";
import { linkmeshRevision } from "./linkmesh.ts";
import { renderNginx, renderPort80, type NginxArgs } from "./render/nginx.ts";
import { readFile } from "./render/script.ts";
import type { SshHost } from "./ssh-host.ts";

function nginxArgs(settings: Settings, ipv6: boolean): NginxArgs {
    const { domain, uiDomain, httpRedirect, trustedHops, collectorsExpected, sessionsPerAddress } = settings;
    return {
        ...{ domain, uiDomain, httpRedirect, trustedHops, collectorsExpected, sessionsPerAddress, ipv6 },
        grpc: grpcSurface(settings),
        certificate: certificateFolder(settings),
    };
}

/** nginx and certbot, installed and sized, with port 80 answering: what a certificate needs. */
export function installNginx(host: SshHost, settings: Settings, ipv6: boolean): void {
    const args = nginxArgs(settings, ipv6);
    const config = renderNginx(args);
    const port80 = renderPort80(args);
    host.step("nginx", {
        variables: {
            CERTBOT: certbotPackages(settings).join("\n"),
            HTTP2_PER_NAME: settings.uiDomain === "" ? "" : "yes",
            WORKER_CONNECTIONS: String(config.workerConnections),
            OPEN_FILES: String(config.openFiles),
            REVISION: port80.revision,
        },
        files: { "sysctl.conf": config.sysctl, ...port80.files },
        timeout: 1200,
    });
}

function certbotPackages(settings: Settings): string[] {
    if (hasOwnCertificate(settings)) return [];
    return settings.acmeChallenge === "dns-01" ? ["certbot", "python3-certbot-dns-route53"] : ["certbot"];
}

/** The https site and the gRPC stream, and the proof that they answer. Returns the last step. */
export function setUpProxy(host: SshHost, settings: Settings, ipv6: boolean): pulumi.Resource {
    const args = nginxArgs(settings, ipv6);
    const { revision, files } = renderNginx(args);
    const { domain, uiDomain } = settings;
    host.step("proxy", {
        variables: { DOMAIN: domain, CERTIFICATE: args.certificate, REVISION: revision },
        files: { ...files, "serve-certificate.sh": readFile("machine/serve-certificate.sh") },
    });
    return host.step("surfaces", {
        variables: {
            DOMAIN: domain,
            UI_DOMAIN: uiDomain,
            GRPC_HOST: args.grpc?.host ?? "",
            GRPC_PORT: args.grpc ? String(args.grpc.port) : "",
            REDIRECT: settings.httpRedirect ? "yes" : "",
            LOOPBACK: ipv6 ? "127.0.0.1\n[::1]" : "127.0.0.1",
            LINKMESH: linkmeshRevision(settings),
        },
    });
}
