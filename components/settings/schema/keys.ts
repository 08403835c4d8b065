import { createPrivateKey } from "node:crypto";
import sshpk from "sshpk";
import { z } from "zod";

// A wrong key is noticed when a machine has been replaced by one that nobody can log in to, or that nginx cannot serve:
// so keys are read here, by what they are read with later.

/** A private key in PEM form, as `read` takes it. It returns what is wrong, or throws; neither may hold the key. */
const privateKey = (labels: readonly string[], read: (text: string) => string | undefined) =>
    z
        .string()
        .transform((text) => text.trim() + "\n")
        .superRefine((text, context) => {
            const fault = faultOf(text, labels) ?? attempt(() => read(text));
            if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
        });

const DAMAGED = "is truncated or damaged. Set the whole key again from its file";
const PASSPHRASE = "has a passphrase, which nobody can enter. Set a key without one";

function attempt(read: () => string | undefined): string | undefined {
    try {
        return read();
    } catch (error) {
        return error instanceof sshpk.KeyEncryptedError ? PASSPHRASE : DAMAGED;
    }
}

/** The first block of a PEM text, whose lines begin without blanks: Go's reader skips any other. */
function firstBlock(text: string) {
    const [block, label] = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n[^]+?^-----END \1-----[ \t]*\r?$/m.exec(text) ?? [];
    return block === undefined ? undefined : { block, label: label! };
}

/** What is wrong with a text that should begin with a block of one of these labels. */
function faultOf(text: string, labels: readonly string[]): string | undefined {
    if (text.includes("\\n")) return 'holds "\\n" in place of line breaks: set it from its file';
    if (!text.includes("-----BEGIN ")) {
        return 'must be text with a "-----BEGIN … PRIVATE KEY-----" block, not a file name';
    }
    const first = firstBlock(text);
    if (!first) return DAMAGED;
    if (first.label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(text)) return PASSPHRASE;
    if (!labels.includes(first.label)) {
        return `must begin with ${labels.map((label) => `"-----BEGIN ${label}-----"`).join(", ")}, not with "-----BEGIN ${first.label}-----"`;
    }
    return undefined;
}

/** The smallest RSA key that Go and sshd take. */
const LEAST_SSH_RSA_BITS = 1024;
/** The smallest RSA key that OpenSSL takes at Debian's and Ubuntu's security level. */
const LEAST_TLS_RSA_BITS = 2048;

/** A key to log in with, in a form that @pulumi/command takes, which reads it with Go's crypto/ssh. */
export const sshPrivateKey = privateKey(
    ["OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"],
    (text) => {
        const key = parsePrivate(text);
        return sshFault(key) ?? (signsFor(key, key.toPublic()) ? undefined : DAMAGED);
    },
);

/** A key that nginx can serve. */
export const tlsPrivateKey = privateKey(
    ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "EC PARAMETERS"],
    (text) => {
        const { asymmetricKeyType: type = "", asymmetricKeyDetails: details } = createPrivateKey(text);
        const bits = details?.modulusLength;
        if (!["rsa", "rsa-pss", "ec", "ed25519", "ed448"].includes(type)) return "must be an RSA, ECDSA or Ed25519 key";
        return bits !== undefined && bits < LEAST_TLS_RSA_BITS ? tooSmall(bits, LEAST_TLS_RSA_BITS) : undefined;
    },
);

function sshFault({ type, size }: sshpk.Key | sshpk.PrivateKey): string | undefined {
    if (!["ed25519", "ecdsa", "rsa"].includes(type)) return "must be an Ed25519, ECDSA or RSA key";
    return type === "rsa" && size < LEAST_SSH_RSA_BITS ? tooSmall(size, LEAST_SSH_RSA_BITS) : undefined;
}

const tooSmall = (bits: number, least: number) =>
    `is an RSA key of ${bits} bits, and ${least} are the least that is taken`;

/** A public SSH key, or host key, in authorized_keys form. */
export const publicKey = z
    .string()
    .trim()
    .max(8_000, "must be at most 8000 characters long: it becomes a part of the machine's user data")
    .regex(/^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( [^\n]*)?$/, {
        error: "must be one line of an authorized_keys file, such as: ssh-ed25519 AAAA… name",
        abort: true,
    })
    .superRefine((line, context) => {
        const fault = attempt(() => {
            const key = sshpk.parseKey(line, "ssh");
            return isWhole(line, key) ? sshFault(key) : DAMAGED;
        });
        if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
    });

/** The library reads over what is missing of the last bytes, and over what is too much. */
const isWhole = (line: string, key: sshpk.Key) => words(line) === words(key.toString("ssh"));
const words = (line: string) => line.split(" ").slice(0, 2).join(" ");

/** The public host key of an SSH server. With its RSA key a server signs by other names than the key's own, which no pin matches. */
export const hostKey = publicKey.refine((key) => !key.startsWith("ssh-rsa "), {
    error: "must be the server's ed25519 or ecdsa host key: ssh-rsa cannot be pinned",
});

/** Whether a private key is that of a public one. Both have been read before. */
export function isPair(privateText: string, publicLine: string): boolean {
    return signsFor(parsePrivate(privateText), sshpk.parseKey(publicLine, "ssh"));
}

const parsePrivate = (text: string) => sshpk.parsePrivateKey(firstBlock(text)!.block, "auto");

/** What counts is the signature: a damaged file may hold the right public key beside a wrong private one. */
function signsFor(key: sshpk.PrivateKey, publicKey: sshpk.Key): boolean {
    if (key.type !== publicKey.type) return false;
    const signer = key.createSign("sha512");
    signer.update("linkmesh-proxy");
    const verifier = publicKey.createVerify("sha512");
    verifier.update("linkmesh-proxy");
    return verifier.verify(signer.sign());
}
