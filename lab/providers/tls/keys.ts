import { createHash, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import sshpk from "sshpk";

export type Algorithm =
    { algorithm: "ED25519" } | { algorithm: "RSA"; rsaBits: number } | { algorithm: "ECDSA"; ecdsaCurve: Curve };
export type Curve = "P224" | "P256" | "P384" | "P521";

/** A key pair in every format that tls.PrivateKey returns. All but fingerprints end with a newline. */
export interface KeyTexts {
    privateKeyPem: string;
    privateKeyPemPkcs8: string;
    /** "" for P224, which OpenSSH does not support. The public key and the fingerprints are then "" too. */
    privateKeyOpenssh: string;
    publicKeyPem: string;
    publicKeyOpenssh: string;
    publicKeyFingerprintMd5: string;
    publicKeyFingerprintSha256: string;
}

const CURVES: Record<Curve, string> = { P224: "secp224r1", P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" };

const generate = promisify(generateKeyPair) as (
    type: string,
    options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

export async function generateKey(wanted: Algorithm): Promise<KeyTexts> {
    switch (wanted.algorithm) {
        case "ED25519": {
            const { privateKey, publicKey } = await generate("ed25519", {});
            return texts(privateKey, publicKey, "pkcs8");
        }
        case "RSA": {
            const { privateKey, publicKey } = await generate("rsa", { modulusLength: wanted.rsaBits });
            return texts(privateKey, publicKey, "pkcs1");
        }
        case "ECDSA": {
            const { privateKey, publicKey } = await generate("ec", { namedCurve: CURVES[wanted.ecdsaCurve] });
            return texts(privateKey, publicKey, "sec1", wanted.ecdsaCurve !== "P224");
        }
    }
}

function texts(
    privateKey: KeyObject,
    publicKey: KeyObject,
    form: "pkcs1" | "pkcs8" | "sec1",
    hasOpenssh = true,
): KeyTexts {
    const pkcs8 = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const pem = {
        privateKeyPem: form === "pkcs8" ? pkcs8 : privateKey.export({ type: form, format: "pem" }).toString(),
        privateKeyPemPkcs8: pkcs8,
        publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    };
    if (!hasOpenssh) {
        return {
            ...pem,
            privateKeyOpenssh: "",
            publicKeyOpenssh: "",
            publicKeyFingerprintMd5: "",
            publicKeyFingerprintSha256: "",
        };
    }
    const key = sshpk.parsePrivateKey(pkcs8, "pem");
    key.comment = "";
    const line = key.toPublic().toString("ssh").split(" ").slice(0, 2).join(" ");
    const blob = Buffer.from(line.split(" ")[1]!, "base64");
    return {
        ...pem,
        privateKeyOpenssh: withNewline(key.toString("openssh")),
        publicKeyOpenssh: `${line}\n`,
        publicKeyFingerprintMd5: createHash("md5").update(blob).digest("hex").match(/../g)!.join(":"),
        publicKeyFingerprintSha256: `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`,
    };
}

function withNewline(text: string): string {
    return text.endsWith("\n") ? text : `${text}\n`;
}
