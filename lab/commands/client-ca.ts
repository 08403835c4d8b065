import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { services } from "../services/services.ts";

/**
 * The PEM file of the CAs that clients need to trust the lab's machine: the roots of the lab's authorities and, with
 * the user's own certificate, the last certificate of its chain.
 * @throws LabError before the first `up`
 */
export function clientCaFile(lab: Lab): string {
    const { publicCaFile } = services(lab);
    if (!existsSync(publicCaFile))
        throw new LabError(`${publicCaFile} is missing: \`npm run lab -- up\` starts the lab's services again`);
    const own = new LabStack(lab, { command: "" }).setting("tlsCertificate");
    const anchor = typeof own === "string" ? endOfChain(own) : undefined;
    if (anchor === undefined) return publicCaFile;
    const file = join(lab.dir, "client-ca.pem");
    writeFileSync(file, `${readFileSync(publicCaFile, "utf8")}${anchor}\n`);
    return file;
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The last certificate of a chain. Undefined for a single certificate that is not self-signed, because it cannot serve
 * as a trust anchor.
 */
export function endOfChain(pem: string): string | undefined {
    const blocks = pem.match(PEM_BLOCK) ?? [];
    const last = blocks.at(-1);
    if (last === undefined || blocks.length > 1) return last;
    const { issuer, subject } = new X509Certificate(last);
    return issuer === subject ? last : undefined;
}
