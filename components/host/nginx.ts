import { grpcEndpoint } from "../endpoints.ts";
import { HEALTH_PATH } from "../health.ts";
import { listeners } from "../listeners.ts";
import { certificateFolder } from "./certificate.ts";
import { linkmeshRevision } from "./linkmesh.ts";
import { machinePackages } from "./packages.ts";
import type { NginxArgs } from "./render/nginx/args.ts";
import { renderNginx, renderPort80 } from "./render/nginx/config.ts";
import { loopbackAddresses } from "./render/nginx/sizes.ts";
import { readFile } from "./render/script.ts";
import type { HostContext } from "./context.ts";
import type { Host } from "./host.ts";
import type { StepOptions } from "./ssh-host.ts";

function nginxArgs({ settings, host, balancer }: HostContext): NginxArgs {
    const { domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress } = settings;
    return {
        ...{ domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress },
        ipv6: host.ipv6 !== undefined,
        listeners: listeners(settings),
        linkmeshAddresses: loopbackAddresses(collectorsExpected),
        certificate: certificateFolder(settings, balancer),
        balancer: balancer?.cidrs,
    };
}

/** Installs nginx and certbot, sets nginx's limits, and serves port 80, which HTTP-01 needs. */
export function nginx(context: HostContext): StepOptions {
    const { settings, dns01, balancer } = context;
    const args = nginxArgs(context);
    const config = renderNginx(args);
    const port80 = renderPort80(args);
    return {
        variables: {
            MACHINE_PACKAGES: machinePackages(settings, dns01, balancer).join("\n"),
            HTTP2_PER_NAME: settings.uiDomain === "" ? "" : "yes",
            WORKER_CONNECTIONS: String(config.workerConnections),
            OPEN_FILES: String(config.openFiles),
            REVISION: port80.revision,
        },
        files: { "sysctl.conf": config.sysctl, ...port80.files },
        timeout: 1200,
    };
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
            "health.sh": healthProgram(context.host),
        },
    };
}

/** It has DATA of the step's functions, where a machine without a data volume has only a folder. */
function healthProgram({ device }: Host): string {
    const program = readFile("machine/health.sh");
    return device === undefined ? `DATA=/\n${program}` : program;
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
