import { createPrivateKey } from "node:crypto";
import sshpk from "sshpk";
import { z } from "zod";

// A wrong key would be noticed only after the machine has been replaced by one that nobody can log in to or whose nginx does
// not start. So keys are parsed here, under the same limits as by the programs that use them.

/** A private key in PEM form. `read` returns what is wrong, or throws. Neither message may contain the key. */
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

/** The first block of a PEM text. Blocks with indented lines do not count, because Go's parser skips them. */
function firstBlock(text: string) {
    const [block, label] = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n[^]+?^-----END \1-----[ \t]*\r?$/m.exec(text) ?? [];
    return block === undefined ? undefined : { block, label: label! };
}

/** What is wrong with a text whose first block should have one of these labels. */
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

/** The smallest RSA key that Go and sshd accept. */
const LEAST_SSH_RSA_BITS = 1024;
/** The smallest RSA key that OpenSSL accepts at the security level of Debian and Ubuntu. */
const LEAST_TLS_RSA_BITS = 2048;

/** A login key in a form that @pulumi/command accepts, which parses it with Go's crypto/ssh. */
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

/** The library does not report missing or additional bytes at the end. */
const isWhole = (line: string, key: sshpk.Key) => words(line) === words(key.toString("ssh"));
const words = (line: string) => line.split(" ").slice(0, 2).join(" ");

/** The public host key of an SSH server. RSA is refused, because servers sign with other algorithm names than the key's type. */
export const hostKey = publicKey.refine((key) => !key.startsWith("ssh-rsa "), {
    error: "must be the server's ed25519 or ecdsa host key: ssh-rsa cannot be pinned",
});

/** Whether a private key belongs to a public one. Both must be valid. */
export function isPair(privateText: string, publicLine: string): boolean {
    return signsFor(parsePrivate(privateText), sshpk.parseKey(publicLine, "ssh"));
}

const parsePrivate = (text: string) => sshpk.parsePrivateKey(firstBlock(text)!.block, "auto");

/** Verifies a signature, because a damaged file may hold the right public key and a wrong private one. */
function signsFor(key: sshpk.PrivateKey, publicKey: sshpk.Key): boolean {
    if (key.type !== publicKey.type) return false;
    const signer = key.createSign("sha512");
    signer.update("linkmesh-proxy");
    const verifier = publicKey.createVerify("sha512");
    verifier.update("linkmesh-proxy");
    return verifier.verify(signer.sign());
}
