import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab.ts";
import { PUBLIC_AUTHORITY, serverCertificate, authorityPem } from "./authority.ts";
import type { AcmeFault, FrontConfig, Issued } from "./acme-front-server.ts";
import { API_PORT } from "./pebble.ts";
import { dataDir, type Service } from "./service.ts";
import { ACME_HOST } from "./zone.ts";

const NAME = "acme-front";
const SOURCE = fileURLToPath(new URL("./acme-front-server.ts", import.meta.url));

/** Stands in for Let's Encrypt's two servers: serves their names on port 443, with the lab's ACME server behind. */
export async function acmeFront(lab: Lab): Promise<Service> {
    const { certificatePem, keyPem } = await serverCertificate(lab, PUBLIC_AUTHORITY);
    // The service runs without the checkout's packages. A changed source changes its definition, which restarts it.
    const { transform } = await import("esbuild");
    const { code } = await transform(readFileSync(SOURCE, "utf8"), { loader: "ts", format: "esm", target: "node20" });
    const config: FrontConfig = {
        address: lab.net.acme,
        certificate: certificatePem,
        key: keyPem,
        upstream: { port: API_PORT, servername: ACME_HOST, ca: authorityPem(lab, PUBLIC_AUTHORITY) },
        faultFile: faultFile(lab),
        issuedFile: issuedFile(lab),
    };
    return {
        name: NAME,
        argv: [process.execPath, join(dataDir(lab, NAME), "server.mjs"), join(dataDir(lab, NAME), "config.json")],
        address: lab.net.acme,
        port: 443,
        outside: true,
        files: { "server.mjs": code, "config.json": JSON.stringify(config, null, 2) },
    };
}

function faultFile(lab: Lab): string {
    return join(dataDir(lab, NAME), "fault.json");
}

function issuedFile(lab: Lab): string {
    return join(dataDir(lab, NAME), "issued.jsonl");
}

/** Makes Let's Encrypt's stand-in refuse new orders as Let's Encrypt does. `undefined` ends that. */
export function setAcmeFault(lab: Lab, fault: AcmeFault | undefined): void {
    const file = faultFile(lab);
    if (!fault) return rmSync(file, { force: true });
    writeFileSync(`${file}.new`, JSON.stringify(fault));
    renameSync(`${file}.new`, file);
}

/** The current fault, with the number of refusals left. */
export function acmeFault(lab: Lab): AcmeFault | undefined {
    const file = faultFile(lab);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as AcmeFault) : undefined;
}

/** How many certificates each of Let's Encrypt's directories has issued since the lab was made. */
export function certificatesIssued(lab: Lab): Record<Issued["directory"], number> {
    const file = issuedFile(lab);
    const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
    const issued = lines.map((line) => JSON.parse(line) as Issued);
    const count = (directory: Issued["directory"]) => issued.filter((one) => one.directory === directory).length;
    return { production: count("production"), staging: count("staging") };
}
