import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { acmeCertificate, authorityPem } from "./authority.ts";
import type { Service } from "./service.ts";
import { ACME_HOST } from "./zone.ts";

export const API_PORT = 14000;
const MANAGEMENT_PORT = 15000;

export const ACME_DIRECTORY = `https://${ACME_HOST}:${API_PORT}/dir`;

/** The ACME server: validates on the real ports 80 and 443, through the lab's DNS. */
export async function pebble(lab: Lab): Promise<Service> {
    const { certificatePem, keyPem } = await acmeCertificate(lab);
    const config = {
        pebble: {
            listenAddress: `${lab.net.acme}:${API_PORT}`,
            managementListenAddress: `${lab.net.acme}:${MANAGEMENT_PORT}`,
            certificate: "/lab/api.pem",
            privateKey: "/lab/api.key",
            httpPort: 80,
            tlsPort: 443,
            ocspResponderURL: "",
            externalAccountBindingRequired: false,
        },
    };
    return {
        name: "pebble",
        argv: ["pebble", "-config", "/lab/config.json", "-dnsserver", `${lab.net.dns}:53`],
        address: lab.net.acme,
        port: API_PORT,
        // No reused authorizations, no random waits, no random refusals: runs that can be repeated.
        env: { PEBBLE_AUTHZREUSE: "0", PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
        files: { "config.json": JSON.stringify(config, null, 2), "api.pem": certificatePem, "api.key": keyPem },
    };
}

/** Every root that has signed public certificates of this lab, newest last. */
export function publicCaFile(lab: Lab): string {
    return join(lab.dir, "public-ca.pem");
}

/** Pebble makes a new root at each start: adds the present one, so that certificates from before stay verifiable. */
export async function keepIssuingRoot(lab: Lab): Promise<void> {
    const root = (await get(lab, `https://${lab.net.acme}:${MANAGEMENT_PORT}/roots/0`)).trim();
    const file = publicCaFile(lab);
    const known = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (!known.includes(root)) writeFileSync(file, `${known}${root}\n`);
}

function get(lab: Lab, url: string): Promise<string> {
    return new Promise((resolve, reject) => {
        const options = {
            host: lab.net.acme,
            servername: ACME_HOST,
            ca: authorityPem(lab),
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
