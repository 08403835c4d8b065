import "reflect-metadata";
import {
    createCipheriv,
    createDecipheriv,
    createHash,
    randomBytes,
    scryptSync,
    webcrypto,
    X509Certificate,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Database } from "./database.ts";
import { EXIT, Failure } from "./failure.ts";

// Node 18 has no global crypto object for the library to find.
x509.cryptoProvider.set(webcrypto);

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const DAY = 24 * 60 * 60 * 1000;

/** A certificate with its private key, both PEM. */
export interface KeyPair {
    certificate: string;
    privateKey: string;
}

/** Subject alternative names of a server certificate. */
export interface SubjectNames {
    dns: string[];
    ip: string[];
}

/** The internal CA. It is in the database, and its key is encrypted with the server secret. */
export class Authority {
    private constructor(
        /** Identifies the database. Each new CA has a new id. */
        readonly id: string,
        readonly caCertificate: string,
        private readonly caKey: webcrypto.CryptoKey,
    ) {}

    /**
     * Reads the CA of this database, or makes one if the database has none.
     *
     * @throws {Failure} if the CA was made with another secret
     */
    static async open(database: Database, secret: string): Promise<Authority> {
        let [stored] = await database.find("authority");
        if (!stored) {
            await Authority.create(database, secret);
            // Another instance may have been first.
            [stored] = await database.find("authority");
        }
        const { id, caCertificate, caKey } = stored as unknown as StoredAuthority;
        let pkcs8: Buffer;
        try {
            pkcs8 = decrypt(caKey, secret);
        } catch {
            throw new Failure(
                `the server secret (LINKMESH_SECRET) does not belong to the database ${database.name}: ` +
                    "restore the secret that this database was created with, or the database that belongs to this secret",
                EXIT.configuration,
            );
        }
        const key = await webcrypto.subtle.importKey("pkcs8", pkcs8, KEY_ALGORITHM, false, ["sign"]);
        return new Authority(id, caCertificate, key);
    }

    private static async create(database: Database, secret: string): Promise<void> {
        const id = randomBytes(8).toString("hex");
        const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
        const certificate = await x509.X509CertificateGenerator.createSelfSigned({
            name: `CN=LinkMesh stand-in CA ${id}`,
            keys,
            signingAlgorithm: SIGNATURE,
            ...validity(3650),
            extensions: [
                new x509.BasicConstraintsExtension(true, 0, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
                await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
            ],
        });
        const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
        const stored: StoredAuthority = {
            type: "authority",
            id,
            caCertificate: certificate.toString("pem"),
            caKey: encrypt(pkcs8, secret),
        };
        await database.add({ ...stored }, { durable: true });
    }

    /** SHA-256 of the CA certificate, lower-case hex. */
    get fingerprint(): string {
        return createHash("sha256").update(new X509Certificate(this.caCertificate).raw).digest("hex");
    }

    /** Issues a new key and certificate for an agent. */
    issueClient(commonName: string): Promise<KeyPair> {
        return this.issue(commonName, x509.ExtendedKeyUsage.clientAuth, [], 365);
    }

    /** Issues a new key and certificate for the gRPC listener. */
    issueServer(names: SubjectNames): Promise<KeyPair> {
        const entries: x509.JsonGeneralNames = [
            ...names.dns.map((value) => ({ type: "dns" as const, value })),
            ...names.ip.map((value) => ({ type: "ip" as const, value })),
        ];
        return this.issue(
            "linkmesh-server",
            x509.ExtendedKeyUsage.serverAuth,
            [new x509.SubjectAlternativeNameExtension(entries)],
            1825,
        );
    }

    private async issue(
        commonName: string,
        usage: x509.ExtendedKeyUsage,
        extensions: x509.Extension[],
        days: number,
    ): Promise<KeyPair> {
        const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
        const ca = new x509.X509Certificate(this.caCertificate);
        const certificate = await x509.X509CertificateGenerator.create({
            subject: `CN=${commonName}`,
            issuer: ca.subject,
            publicKey: keys.publicKey,
            signingKey: this.caKey,
            signingAlgorithm: SIGNATURE,
            ...validity(days),
            extensions: [
                new x509.BasicConstraintsExtension(false, undefined, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
                new x509.ExtendedKeyUsageExtension([usage]),
                await x509.AuthorityKeyIdentifierExtension.create(ca),
                ...extensions,
            ],
        });
        const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
        return {
            certificate: `${certificate.toString("pem")}\n`,
            privateKey: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
        };
    }
}

export interface Sealed {
    salt: string;
    iv: string;
    tag: string;
    data: string;
}

interface StoredAuthority {
    type: "authority";
    id: string;
    caCertificate: string;
    caKey: Sealed;
}

/** The validity period. It starts in the past, because an agent's clock may be slow. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
    return { notBefore: new Date(Date.now() - 300_000), notAfter: new Date(Date.now() + days * DAY) };
}

export function encrypt(data: Buffer, secret: string): Sealed {
    const salt = randomBytes(16);
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", scryptSync(secret, salt, 32), iv);
    const sealed = Buffer.concat([cipher.update(data), cipher.final()]);
    const text = (bytes: Buffer) => bytes.toString("base64");
    return { salt: text(salt), iv: text(iv), tag: text(cipher.getAuthTag()), data: text(sealed) };
}

/** Throws if another secret sealed it. */
export function decrypt(sealed: Sealed, secret: string): Buffer {
    const bytes = (text: string) => Buffer.from(text, "base64");
    const decipher = createDecipheriv("aes-256-gcm", scryptSync(secret, bytes(sealed.salt), 32), bytes(sealed.iv));
    decipher.setAuthTag(bytes(sealed.tag));
    return Buffer.concat([decipher.update(bytes(sealed.data)), decipher.final()]);
}
