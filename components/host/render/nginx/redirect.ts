import type { NginxArgs } from "./args.ts";
import { ISOLATION, UNCOUNTED } from "./isolation.ts";
import { allAddresses, listenLines } from "./listen.ts";
import { serverName } from "./names.ts";

export type RedirectArgs = Pick<NginxArgs, "domain" | "uiDomain" | "ipv6" | "listeners">;

/**
 * The machine asks there which configuration is in use, whoever else may. On loopback another port than 80, as nginx
 * could not bind that while it still has it on all addresses.
 */
export function redirectListeners(args: Pick<NginxArgs, "ipv6" | "listeners">): string[] {
    const http = args.listeners.find(({ name }) => name === "http");
    return http ? allAddresses(args, http.port) : ["127.0.0.1:8081"];
}

export function renderRedirect(args: RedirectArgs, revision: string): string {
    const { domain, uiDomain } = args;
    const names = [domain, ...(uiDomain === "" ? [] : [uiDomain])];
    const toUi =
        uiDomain === "" ? "" : `        if ($host = ${uiDomain}) {\n            ${permanently(uiDomain)}\n        }\n`;
    return `${UNCOUNTED}
# The first server of the port answers every name, unless another one is the default; our names, and the address that
# the machine itself asks, are then left to it.
server {
${listenLines(redirectListeners(args), "    ", "")}
    server_name ${names.map(serverName).join(" ")} 127.0.0.1;
    server_tokens off;
    large_client_header_buffers 4 40k;

${ISOLATION}

    # A redirect at server level would answer before this location does.
    location ^~ /.well-known/acme-challenge/ {
        root /var/www/acme;
        default_type text/plain;
        try_files $uri =404;
    }

    # Tells the machine itself which configuration is in use.
    location = /.well-known/linkmesh-proxy {
        if ($remote_addr !~ ^(127\\.0\\.0\\.1|::1)$) {
            return 404;
        }
        default_type text/plain;
        return 200 "${revision}";
    }

    # The names are written out: $host would be whatever the client claims.
    location / {
${toUi}        ${permanently(domain)}
    }
}
`;
}

const permanently = (host: string) => `return 301 https://${host}$request_uri;`;
