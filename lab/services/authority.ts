import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lab } from "../lab.ts";
import { ACME_HOST, CORPORATE_HOST, LETS_ENCRYPT_HOSTS, ROUTE53_HOST } from "./zone.ts";

const EC = { name: "ECDSA", namedCurve: "P-256" } as const;
const DAYS = 24 * 3600 * 1000;

export interface ServerCertificate {
    certificatePem: string;
    keyPem: string;
}

/** A CA that signs the HTTPS certificate of one server. */
export interface Authority {
    /** Its directory among the services', and its subject. */
    name: string;
    subject: string;
    /** What the server's certificate is for; the server's own name comes first. */
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

/** Machines trust it as they would one of AWS's. */
export const AWS_AUTHORITY: Authority = {
    name: "aws-authority",
    subject: "CN=lab AWS authority",
    hosts: [ROUTE53_HOST],
    address: ({ net }) => net.aws,
};

/** The CA's certificate; made by {@link serverCertificate}. */
export function authorityFile(lab: Lab, authority: Authority): string {
    return join(lab.dir, "services", authority.name, "ca.pem");
}

export function authorityPem(lab: Lab, authority: Authority): string {
    return readFileSync(authorityFile(lab, authority), "utf8");
}

/** The certificate of a server and of what stands in front of it, signed by its CA; both are made once and kept. */
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
async function issue(
    { subject: name, hosts }: Authority,
    address: string,
): Promise<ServerCertificate & { caPem: string }> {
    // Loaded here only: reading a zone or stopping a lab does not need it.
    await import("reflect-metadata");
    const x509 = await import("@peculiar/x509");
    const newKeys = () => crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
    const period = { notBefore: new Date(Date.now() - DAYS), notAfter: new Date(Date.now() + 3650 * DAYS) };
    const algorithm = { ...EC, hash: "SHA-256" };
    const ca = await newKeys();
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
