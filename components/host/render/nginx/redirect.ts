import type { NginxArgs } from "./args.ts";
import { HEALTH_PATH } from "../../../health.ts";
import { HEALTH_SOCKET } from "./health.ts";
import { HEADER_TIMEOUT } from "./limits.ts";
import { ISOLATION, UNCOUNTED } from "./isolation.ts";
import { realClient } from "./balancer.ts";
import { allAddresses, listenLines, listenPublicly } from "./listen.ts";
import { serverName } from "./names.ts";

export type RedirectArgs = Pick<NginxArgs, "domain" | "uiDomain" | "ipv6" | "listeners" | "balancer">;

/**
 * Where port 80's server listens. If port 80 is off, it listens on loopback, because the machine asks there which
 * configuration is in use. The port is not 80, because nginx cannot bind that while it still listens there on all addresses.
 */
export function redirectListeners(args: Pick<NginxArgs, "ipv6" | "listeners">): string[] {
    const http = httpListener(args);
    return http ? allAddresses(args, http.port) : ["127.0.0.1:8081"];
}

export function renderRedirect(args: RedirectArgs, revision: string): string {
    const { domain, uiDomain } = args;
    const names = [domain, ...(uiDomain === "" ? [] : [uiDomain])];
    const toUi =
        uiDomain === "" ? "" : `        if ($host = ${uiDomain}) {\n            ${redirectTo(uiDomain)}\n        }\n`;
    return `${UNCOUNTED}
# The first server of the port answers every name. If another server is the default, this one still answers our names and
# 127.0.0.1, where the machine asks for the revision.
server {
${listen(args)}
    server_name ${names.map(serverName).join(" ")} 127.0.0.1;
    server_tokens off;
    large_client_header_buffers 4 40k;
    ${HEADER_TIMEOUT}

${ISOLATION}
${args.balancer ? realClient(args.balancer) : ""}
    # The redirect below is a location, because at server level it would apply here, too.
    location ^~ /.well-known/acme-challenge/ {
        root /var/www/acme;
        default_type text/plain;
        try_files $uri =404;
    }

    # The machine asks here which configuration is in use.
    location = /.well-known/linkmesh-proxy {
${loopbackOnly(args)}
        default_type text/plain;
        return 200 "${revision}";
    }

    # What the health URL says only in one word.
    location = ${HEALTH_PATH} {
${loopbackOnly(args)}
        proxy_pass ${HEALTH_SOCKET}:/why;
    }

    # The literal names, because the client decides what $host is.
    location / {
${toUi}        ${redirectTo(domain)}
    }
}
`;
}

/** Of the connection itself, because a PROXY header is what its sender says. */
const loopbackOnly = ({ balancer }: RedirectArgs) => `        if (${
    balancer ? "$realip_remote_addr" : "$remote_addr"
} !~ ^(127\\.0\\.0\\.1|::1)$) {
            return 404;
        }`;

function listen(args: RedirectArgs): string {
    const http = httpListener(args);
    return http ? listenPublicly(args, http.port, "    ") : listenLines(redirectListeners(args), "    ", "");
}

const httpListener = ({ listeners }: Pick<NginxArgs, "listeners">) => listeners.find(({ name }) => name === "http");

const redirectTo = (host: string) => `return 301 https://${host}$request_uri;`;
