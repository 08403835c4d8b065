import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { ACME_HOST, LETS_ENCRYPT_HOSTS } from "./zone.ts";

const EC = { name: "ECDSA", namedCurve: "P-256" } as const;
const DAYS = 24 * 3600 * 1000;

export interface ServerCertificate {
    certificatePem: string;
    keyPem: string;
}

function authorityDir(lab: Lab): string {
    return join(lab.dir, "services", "authority");
}

/** The certificate of the CA that signs the ACME server's own HTTPS certificate; made by {@link acmeCertificate}. */
export function authorityPem(lab: Lab): string {
    return readFileSync(join(authorityDir(lab), "ca.pem"), "utf8");
}

/** The certificate of the ACME server and of what stands in front of it, signed by the lab's CA; both are made once and kept. */
export async function acmeCertificate(lab: Lab): Promise<ServerCertificate> {
    const dir = authorityDir(lab);
    const certificateFile = join(dir, `${ACME_HOST}.pem`);
    const keyFile = join(dir, `${ACME_HOST}.key`);
    const hosts = [ACME_HOST, ...LETS_ENCRYPT_HOSTS];
    if (!namesAll(certificateFile, hosts)) {
        const made = await issue(hosts, lab.net.acme);
        mkdirSync(dir, { recursive: true });
        writeFileSync(join(dir, "ca.pem"), made.caPem);
        writeFileSync(keyFile, made.keyPem, { mode: 0o600 });
        // Last: its presence says that the others are there.
        writeFileSync(certificateFile, made.certificatePem);
    }
    return { certificatePem: readFileSync(certificateFile, "utf8"), keyPem: readFileSync(keyFile, "utf8") };
}

/** False for one that was made before a name was added, too. */
function namesAll(certificateFile: string, hosts: string[]): boolean {
    if (!existsSync(certificateFile)) return false;
    const certificate = new X509Certificate(readFileSync(certificateFile));
    return hosts.every((host) => certificate.checkHost(host) !== undefined);
}

/** The CA's own key is not kept: it signs this one certificate. */
async function issue(hosts: string[], address: string): Promise<ServerCertificate & { caPem: string }> {
    // Loaded here only: reading a zone or stopping a lab does not need it.
    await import("reflect-metadata");
    const x509 = await import("@peculiar/x509");
    const newKeys = () => crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
    const period = { notBefore: new Date(Date.now() - DAYS), notAfter: new Date(Date.now() + 3650 * DAYS) };
    const algorithm = { ...EC, hash: "SHA-256" };
    const ca = await newKeys();
    const name = "CN=lab ACME server authority";
    const caCertificate = await x509.X509CertificateGenerator.createSelfSigned({
        ...period,
        serialNumber: "01",
        name,
        keys: ca,
        signingAlgorithm: algorithm,
        extensions: [
            new x509.BasicConstraintsExtension(true, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
            await x509.SubjectKeyIdentifierExtension.create(ca.publicKey),
        ],
    });
    const server = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
        ...period,
        serialNumber: "02",
        subject: `CN=${hosts[0]}`,
        issuer: name,
        publicKey: server.publicKey,
        signingKey: ca.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
            new x509.SubjectAlternativeNameExtension([
                ...hosts.map((host) => ({ type: "dns" as const, value: host })),
                { type: "ip", value: address },
            ]),
            await x509.SubjectKeyIdentifierExtension.create(server.publicKey),
            await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
        ],
    });
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", server.privateKey)).toString("base64");
    const lines = pkcs8.match(/.{1,64}/g) ?? [];
    return {
        caPem: `${caCertificate.toString("pem")}\n`,
        certificatePem: `${certificate.toString("pem")}\n`,
        keyPem: ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n"),
    };
}
