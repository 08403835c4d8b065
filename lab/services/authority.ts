import { X509Certificate, type webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lab } from "../lab.ts";
import { ACME_HOST, CORPORATE_HOST, LETS_ENCRYPT_HOSTS, MONITORING_HOST, ROUTE53_HOST, STORAGE_HOST } from "./zone.ts";

const EC = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { ...EC, hash: "SHA-256" };
const DAYS = 24 * 3600 * 1000;

export interface ServerCertificate {
    certificatePem: string;
    keyPem: string;
}

/** A CA that signs the HTTPS certificate of one server. */
export interface Authority {
    /** Its directory below the services' directory. */
    name: string;
    subject: string;
    /** Names in the server's certificate. The server's own name comes first. */
    hosts: string[];
    address: (lab: Lab) => string;
}

const acmeAddress = ({ net }: Lab) => net.acme;

export const PUBLIC_AUTHORITY: Authority = {
    name: "authority",
    subject: "CN=lab ACME server authority",
    hosts: [ACME_HOST, ...LETS_ENCRYPT_HOSTS],
    address: acmeAddress,
};

export const CORPORATE_AUTHORITY: Authority = {
    name: "corporate-authority",
    subject: "CN=lab corporate authority",
    hosts: [CORPORATE_HOST],
    address: acmeAddress,
};

/** Machines trust it like a public CA. */
export const AWS_AUTHORITY: Authority = {
    name: "aws-authority",
    subject: "CN=lab AWS authority",
    hosts: [ROUTE53_HOST, MONITORING_HOST],
    address: ({ net }) => net.aws,
};

/** No system trusts it: the user gives it to LinkMesh. */
export const STORAGE_AUTHORITY: Authority = {
    name: "storage-authority",
    subject: "CN=lab storage authority",
    hosts: [STORAGE_HOST],
    address: ({ net }) => net.storage,
};

/** File of the CA's certificate, which {@link serverCertificate} writes. */
export function authorityFile(lab: Lab, authority: Authority): string {
    return join(lab.dir, "services", authority.name, "ca.pem");
}

export function authorityPem(lab: Lab, authority: Authority): string {
    return readFileSync(authorityFile(lab, authority), "utf8");
}

/** The certificate of a server and its front, signed by its CA. CA and certificate are made once and kept. */
export async function serverCertificate(lab: Lab, authority: Authority): Promise<ServerCertificate> {
    const caFile = authorityFile(lab, authority);
    const dir = dirname(caFile);
    const certificateFile = join(dir, `${authority.hosts[0]}.pem`);
    const keyFile = join(dir, `${authority.hosts[0]}.key`);
    if (!namesAll(certificateFile, authority.hosts)) {
        const made = await issue(authority, authority.address(lab));
        mkdirSync(dir, { recursive: true });
        writeFileSync(caFile, made.caPem);
        writeFileSync(keyFile, made.keyPem, { mode: 0o600 });
        // Last: if this file exists, the others are complete.
        writeFileSync(certificateFile, made.certificatePem);
    }
    return { certificatePem: readFileSync(certificateFile, "utf8"), keyPem: readFileSync(keyFile, "utf8") };
}

/** Whether the certificate exists and has all names. An older certificate may lack a name. */
function namesAll(certificateFile: string, hosts: string[]): boolean {
    if (!existsSync(certificateFile)) return false;
    const certificate = new X509Certificate(readFileSync(certificateFile));
    return hosts.every((host) => certificate.checkHost(host) !== undefined);
}

/** Makes a CA and the one certificate that it signs. The CA's key is not kept. */
async function issue(authority: Authority, address: string): Promise<ServerCertificate & { caPem: string }> {
    // Loaded only here, because reading a zone or stopping a lab does not need it.
    await import("reflect-metadata");
    const x509 = await import("@peculiar/x509");
    const ca = await newKeys();
    const server = await newKeys();
    const caCertificate = await selfSigned(x509, authority, ca);
    const certificate = await signed(x509, authority, address, server.publicKey, ca);
    return {
        caPem: `${caCertificate.toString("pem")}\n`,
        certificatePem: `${certificate.toString("pem")}\n`,
        keyPem: await privateKeyPem(server.privateKey),
    };
}

type X509 = typeof import("@peculiar/x509");

function newKeys() {
    return crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
}

function validity() {
    return { notBefore: new Date(Date.now() - DAYS), notAfter: new Date(Date.now() + 3650 * DAYS) };
}

/** The certificate of a CA that signs servers' certificates. */
export async function selfSigned(x509: X509, { subject }: Pick<Authority, "subject">, keys: webcrypto.CryptoKeyPair) {
    return x509.X509CertificateGenerator.createSelfSigned({
        ...validity(),
        serialNumber: "01",
        name: subject,
        keys,
        signingAlgorithm: SIGNATURE,
        extensions: [
            new x509.BasicConstraintsExtension(true, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
            await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
    });
}

async function signed(
    x509: X509,
    { subject: issuer, hosts }: Authority,
    address: string,
    publicKey: webcrypto.CryptoKey,
    ca: webcrypto.CryptoKeyPair,
) {
    return x509.X509CertificateGenerator.create({
        ...validity(),
        serialNumber: "02",
        subject: `CN=${hosts[0]}`,
        issuer,
        publicKey,
        signingKey: ca.privateKey,
        signingAlgorithm: SIGNATURE,
        extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
            new x509.SubjectAlternativeNameExtension([
                ...hosts.map((host) => ({ type: "dns" as const, value: host })),
                { type: "ip", value: address },
            ]),
            await x509.SubjectKeyIdentifierExtension.create(publicKey),
            await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
        ],
    });
}

/** PKCS #8. */
export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
    const lines = pkcs8.match(/.{1,64}/g) ?? [];
    return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}
