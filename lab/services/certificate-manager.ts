import { X509Certificate, randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Certificate } from "../cloud/balancer-state.ts";
import { type Lab, shortId } from "../lab.ts";
import { privateKeyPem, selfSigned } from "./authority.ts";
import { serviceDir } from "./service.ts";

/*
 * The CA in the place of Amazon's: it signs what Certificate Manager issues. Clients and machines of the lab trust it
 * like a public CA. Its certificates say that they are the lab's.
 */
const SUBJECT = "CN=lab Certificate Manager authority";
const NAME = "certificate-manager";
const DAYS = 24 * 3600 * 1000;
/** As of Amazon's certificates. */
const VALID_DAYS = 198;
const CA_KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { ...CA_KEY, hash: "SHA-256" };

const KEYS: Record<string, webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams> = {
    RSA_2048: {
        name: "RSASSA-PKCS1-v1_5",
        hash: "SHA-256",
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
    },
    EC_prime256v1: CA_KEY,
    EC_secp384r1: { ...CA_KEY, namedCurve: "P-384" },
};

/** File of the CA's certificate. */
export function rootFile(lab: Lab): string {
    return join(serviceDir(lab, NAME), "ca.pem");
}

/** The CA's certificate. CA and key are made once and kept. */
export async function certificateManagerRoot(lab: Lab): Promise<string> {
    await authority(lab);
    return readFileSync(rootFile(lab), "utf8").trim();
}

/** Certificate, chain and key of an issued certificate, PEM. What Certificate Manager issues itself is made once and kept. */
export async function certificateBundle(lab: Lab, certificate: Certificate): Promise<string> {
    const { imported, arn } = certificate;
    if (imported)
        return [imported.body, imported.chain ?? "", imported.privateKey].map((pem) => pem.trim()).join("\n") + "\n";
    const file = join(serviceDir(lab, NAME), `${shortId(arn)}.pem`);
    if (!existsSync(file)) {
        writeFileSync(`${file}.new`, await issue(lab, certificate), { mode: 0o600 });
        renameSync(`${file}.new`, file);
    }
    return readFileSync(file, "utf8");
}

async function load() {
    // Loaded only here, because reading a lab or stopping it does not need it.
    await import("reflect-metadata");
    return import("@peculiar/x509");
}

async function authority(lab: Lab): Promise<{ subject: string; key: webcrypto.CryptoKey }> {
    const file = rootFile(lab);
    const keyFile = file.replace(/\.pem$/, ".key");
    if (!existsSync(file)) {
        const x509 = await load();
        const keys = await webcrypto.subtle.generateKey(CA_KEY, true, ["sign", "verify"]);
        const certificate = await selfSigned(x509, { subject: SUBJECT }, keys);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(keyFile, await privateKeyPem(keys.privateKey), { mode: 0o600 });
        // Last: if this file exists, the key is complete.
        writeFileSync(file, `${certificate.toString("pem")}\n`);
    }
    const der = Buffer.from(readFileSync(keyFile, "utf8").replace(/-----[^-]+-----|\s/g, ""), "base64");
    return { subject: SUBJECT, key: await webcrypto.subtle.importKey("pkcs8", der, CA_KEY, false, ["sign"]) };
}

async function issue(lab: Lab, { names, keyAlgorithm }: Certificate): Promise<string> {
    const x509 = await load();
    const { subject: issuer, key } = await authority(lab);
    const keys = await webcrypto.subtle.generateKey(KEYS[keyAlgorithm]!, true, ["sign", "verify"]);
    const root = new X509Certificate(readFileSync(rootFile(lab)));
    const certificate = await x509.X509CertificateGenerator.create({
        ...validity(VALID_DAYS),
        serialNumber: randomBytes(16).toString("hex"),
        subject: `CN=${names[0]}`,
        issuer,
        publicKey: keys.publicKey,
        signingKey: key,
        signingAlgorithm: SIGNATURE,
        extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
            new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
            await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
            await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(root.raw).publicKey),
        ],
    });
    return `${certificate.toString("pem")}\n${await privateKeyPem(keys.privateKey)}`;
}

function validity(days: number) {
    return { notBefore: new Date(Date.now() - DAYS), notAfter: new Date(Date.now() + days * DAYS) };
}
