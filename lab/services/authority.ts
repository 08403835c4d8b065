import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { ACME_HOST, LETS_ENCRYPT_HOSTS, ROUTE53_HOST } from "./zone.ts";

const EC = { name: "ECDSA", namedCurve: "P-256" } as const;
const DAYS = 24 * 3600 * 1000;

export interface ServerCertificate {
    certificatePem: string;
    keyPem: string;
}

/** A CA and the one certificate that it has signed. */
interface Authority {
    dir: string;
    name: string;
    /** The first one gives the files their name. */
    hosts: string[];
    address: string;
}

function acmeAuthority(lab: Lab): Authority {
    return {
        dir: join(lab.dir, "services", "authority"),
        name: "lab ACME server authority",
        hosts: [ACME_HOST, ...LETS_ENCRYPT_HOSTS],
        address: lab.net.acme,
    };
}

function awsAuthority(lab: Lab): Authority {
    return {
        dir: join(lab.dir, "services", "aws-authority"),
        name: "lab AWS authority",
        hosts: [ROUTE53_HOST],
        address: lab.net.aws,
    };
}

/** The certificate of the CA that signs the ACME server's own HTTPS certificate; made by {@link acmeCertificate}. */
export function authorityPem(lab: Lab): string {
    return caPem(acmeAuthority(lab));
}

/** The certificate of the ACME server and of what stands in front of it, signed by the lab's CA; both are made once and kept. */
export function acmeCertificate(lab: Lab): Promise<ServerCertificate> {
    return certificateOf(acmeAuthority(lab));
}

/** The CA of AWS's stand-in, which machines trust as they would one of AWS's; undefined before {@link awsCertificate}. */
export function awsAuthorityPem(lab: Lab): string | undefined {
    const authority = awsAuthority(lab);
    return existsSync(caFile(authority)) ? caPem(authority) : undefined;
}

export function awsCertificate(lab: Lab): Promise<ServerCertificate> {
    return certificateOf(awsAuthority(lab));
}

function caFile({ dir }: Authority): string {
    return join(dir, "ca.pem");
}

function caPem(authority: Authority): string {
    return readFileSync(caFile(authority), "utf8");
}

async function certificateOf(authority: Authority): Promise<ServerCertificate> {
    const { dir, hosts } = authority;
    const certificateFile = join(dir, `${hosts[0]}.pem`);
    const keyFile = join(dir, `${hosts[0]}.key`);
    if (!namesAll(certificateFile, hosts)) {
        const made = await issue(authority);
        mkdirSync(dir, { recursive: true });
        writeFileSync(caFile(authority), made.caPem);
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
async function issue(authority: Authority): Promise<ServerCertificate & { caPem: string }> {
    const { hosts, address } = authority;
    // Loaded here only: reading a zone or stopping a lab does not need it.
    await import("reflect-metadata");
    const x509 = await import("@peculiar/x509");
    const newKeys = () => crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
    const period = { notBefore: new Date(Date.now() - DAYS), notAfter: new Date(Date.now() + 3650 * DAYS) };
    const algorithm = { ...EC, hash: "SHA-256" };
    const ca = await newKeys();
    const name = `CN=${authority.name}`;
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
