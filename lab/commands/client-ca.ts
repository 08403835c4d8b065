import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { services } from "../services/services.ts";

/**
 * The PEM file with which clients trust what the lab's machine shows: the roots of the lab's authorities, and the end of
 * the chain of the user's own certificate, where there is one.
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
 * The last certificate of a chain; undefined for a host's certificate alone, which nobody trusts for its own sake unless
 * it has signed itself.
 */
export function endOfChain(pem: string): string | undefined {
    const blocks = pem.match(PEM_BLOCK) ?? [];
    const last = blocks.at(-1);
    if (last === undefined || blocks.length > 1) return last;
    const { issuer, subject } = new X509Certificate(last);
    return issuer === subject ? last : undefined;
}
