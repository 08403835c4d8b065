import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);

/** How to generate a key: an elliptic curve by name, or RSA with so many bits. */
export type Key = "P-256" | "P-384" | "P-521" | "Ed25519" | 2048 | 3072 | 4096;
const KEY = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** PEM texts of a certificate and its key. */
export interface Pair {
    cert: string;
    key: string;
}

interface Issue {
    from?: number;
    to?: number;
    key?: Key;
}

/** A CA in memory that signs whatever a test needs, expired certificates included. */
export class TestCa {
    private constructor(
        private readonly certificate: x509.X509Certificate,
        private readonly keys: webcrypto.CryptoKeyPair,
    ) {}

    /** A root, or an intermediate that `above` has signed. */
    static async create(name: string, above?: TestCa): Promise<TestCa> {
        const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
        const certificate = await x509.X509CertificateGenerator.create({
            serialNumber: serial(),
            subject: name,
            issuer: above?.certificate.subject ?? name,
            notBefore: days(-400),
            notAfter: days(400),
            signingAlgorithm: SIGNATURE,
            publicKey: keys.publicKey,
            signingKey: (above?.keys ?? keys).privateKey,
            extensions: [
                new x509.BasicConstraintsExtension(true, above ? 0 : 1, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
                await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
            ],
        });
        return new TestCa(certificate, keys);
    }

    get pem(): string {
        return this.certificate.toString("pem");
    }

    /** A certificate for servers and clients. `from` and `to` are days from now. */
    async issue(dns: string[], { from = -10, to = 80, key: kind = "P-256" }: Issue = {}): Promise<Pair> {
        const keys = await generateKeys(kind);
        const certificate = await x509.X509CertificateGenerator.create({
            serialNumber: serial(),
            subject: "CN=test",
            issuer: this.certificate.subject,
            notBefore: days(from),
            notAfter: days(to),
            signingAlgorithm: SIGNATURE,
            publicKey: keys.publicKey,
            signingKey: this.keys.privateKey,
            extensions: [
                new x509.BasicConstraintsExtension(false),
                new x509.ExtendedKeyUsageExtension([
                    x509.ExtendedKeyUsage.serverAuth,
                    x509.ExtendedKeyUsage.clientAuth,
                ]),
                new x509.SubjectAlternativeNameExtension(dns.map((value) => ({ type: "dns", value }))),
                await x509.AuthorityKeyIdentifierExtension.create(this.keys.publicKey),
            ],
        });
        const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
        return {
            cert: certificate.toString("pem"),
            key: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)!.join("\n")}\n-----END PRIVATE KEY-----\n`,
        };
    }
}

async function generateKeys(kind: Key): Promise<webcrypto.CryptoKeyPair> {
    const { subtle } = webcrypto;
    const uses: webcrypto.KeyUsage[] = ["sign", "verify"];
    if (kind === "Ed25519") return (await subtle.generateKey({ name: kind }, true, uses)) as webcrypto.CryptoKeyPair;
    if (typeof kind === "string") return subtle.generateKey({ name: "ECDSA", namedCurve: kind }, true, uses);
    const publicExponent = new Uint8Array([1, 0, 1]);
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: kind, publicExponent };
    return subtle.generateKey(rsa, true, uses);
}

function serial(): string {
    return `01${randomBytes(12).toString("hex")}`;
}

function days(from: number): Date {
    return new Date(Date.now() + from * DAY_MS);
}
