import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { type Authority, CORPORATE_AUTHORITY, PUBLIC_AUTHORITY, serverCertificate, authorityPem } from "./authority.ts";
import type { Service } from "./service.ts";

export const API_PORT = 14000;

/** One of the lab's two ACME servers, which share an address. */
interface AcmeServer {
    name: string;
    authority: Authority;
    port: number;
    managementPort: number;
    /** Keys for external account binding by id, base64url. If absent, anybody can create an account. */
    accountKeys?: Record<string, string>;
}

export const PUBLIC_ACME: AcmeServer = {
    name: "pebble",
    authority: PUBLIC_AUTHORITY,
    port: API_PORT,
    managementPort: 15000,
};

/** The key to which the corporate server binds accounts. It is public. */
export const EAB_KEY_ID = "lab-key-1";
export const EAB_HMAC_KEY = "bGFiLW9ubHkta25vd24tdG8tZXZlcnlvbmUtMzJieXQ";

/**
 * Stands in for a company's own ACME server. An account needs a key from the server's owner, and no system trusts its
 * HTTPS certificate.
 */
export const CORPORATE_ACME: AcmeServer = {
    name: "pebble-corporate",
    authority: CORPORATE_AUTHORITY,
    port: 14100,
    managementPort: 15100,
    accountKeys: { [EAB_KEY_ID]: EAB_HMAC_KEY },
};

export const ACME_SERVERS = [PUBLIC_ACME, CORPORATE_ACME];

export function acmeDirectory({ authority, port }: AcmeServer): string {
    return `https://${authority.hosts[0]}:${port}/dir`;
}

/** An ACME server that validates on ports 80 and 443, with the lab's DNS. */
export async function pebble(lab: Lab, server: AcmeServer): Promise<Service> {
    const { certificatePem, keyPem } = await serverCertificate(lab, server.authority);
    const config = {
        pebble: {
            listenAddress: `${lab.net.acme}:${server.port}`,
            managementListenAddress: `${lab.net.acme}:${server.managementPort}`,
            certificate: "/lab/api.pem",
            privateKey: "/lab/api.key",
            httpPort: 80,
            tlsPort: 443,
            ocspResponderURL: "",
            externalAccountBindingRequired: server.accountKeys !== undefined,
            externalAccountMACKeys: server.accountKeys,
        },
    };
    return {
        name: server.name,
        argv: ["pebble", "-config", "/lab/config.json", "-dnsserver", `${lab.net.dns}:53`],
        address: lab.net.acme,
        port: server.port,
        // No reused authorizations, no random delays and no random errors, so that runs are repeatable.
        env: { PEBBLE_AUTHZREUSE: "0", PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
        files: { "config.json": JSON.stringify(config, null, 2), "api.pem": certificatePem, "api.key": keyPem },
    };
}

/** File with every root that has signed public certificates of this lab, newest last. */
export function publicCaFile(lab: Lab): string {
    return join(lab.dir, "public-ca.pem");
}

/** Adds Pebble's current root. Pebble makes a new one at each start, and older certificates must stay verifiable. */
export async function keepIssuingRoot(lab: Lab, server: AcmeServer): Promise<void> {
    const url = `https://${lab.net.acme}:${server.managementPort}/roots/0`;
    keepPublicRoot(lab, (await get(lab, url, server.authority)).trim());
}

/** Adds a root that clients of this lab trust like a public one. */
export function keepPublicRoot(lab: Lab, root: string): void {
    const file = publicCaFile(lab);
    const known = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (!known.includes(root)) writeFileSync(file, `${known}${root}\n`);
}

function get(lab: Lab, url: string, authority: Authority): Promise<string> {
    return new Promise((resolve, reject) => {
        const options = {
            host: lab.net.acme,
            servername: authority.hosts[0],
            ca: authorityPem(lab, authority),
            agent: false,
            timeout: 5000,
        };
        const call = request(url, options, (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (text: string) => (body += text));
            response.on("end", () =>
                response.statusCode === 200
                    ? resolve(body)
                    : reject(new Error(`${url} answered ${response.statusCode}`)),
            );
        });
        call.on("error", reject);
        call.on("timeout", () => call.destroy(new Error(`${url} did not answer in 5 s`)));
        call.end();
    });
}
