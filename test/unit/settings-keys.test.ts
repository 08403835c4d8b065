import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import sshpk from "sshpk";
import { describe, expect, test } from "vitest";
import { generateKey, type KeyTexts } from "../../lab/providers/tls/keys.ts";
import { TestCa } from "../host/test-ca.ts";
import { BASTION, LOGIN, OTHER } from "./keys.ts";
import { GOOD, problems } from "./problems.ts";

const refusals = (values: Record<string, unknown>) => problems({ ...GOOD, ...values });

const RSA = await generateKey({ algorithm: "RSA", rsaBits: 2048 });
const ECDSA = await generateKey({ algorithm: "ECDSA", ecdsaCurve: "P384" });
const P521 = await generateKey({ algorithm: "ECDSA", ecdsaCurve: "P521" });

const login = (privateKey: string, { publicKeyOpenssh }: KeyTexts) =>
    refusals({ sshPrivateKey: privateKey, sshPublicKey: publicKeyOpenssh.trim() });
const bastion = (privateKey: string) => refusals({ ...BASTION, bastionPrivateKey: privateKey });

const smallRsa = generateKeyPairSync("rsa", { modulusLength: 768 });
const bitcoin = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
const encrypted = (pem: string, type: "pkcs1" | "pkcs8" | "sec1") =>
    createPrivateKey(pem)
        .export({ type, format: "pem", cipher: "aes-128-cbc", passphrase: "hunter2" } as never)
        .toString();
/** The right public key beside a private one of which a bit is wrong. */
function damaged({ privateKeyOpenssh, publicKeyOpenssh }: KeyTexts): string {
    const raw = Buffer.from(lines(privateKeyOpenssh).slice(1, -1).join(""), "base64");
    const last = raw.lastIndexOf(Buffer.from(publicKeyOpenssh.split(" ")[1]!, "base64").subarray(-32)) - 1;
    raw[last] = raw[last]! ^ 1;
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${raw.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
const lines = (text: string) => text.trim().split("\n");

describe("a private key to log in with", () => {
    test.each<[string, string, KeyTexts]>([
        ["Ed25519, OpenSSH", LOGIN.privateKeyOpenssh, LOGIN],
        ["Ed25519, PKCS #8", LOGIN.privateKeyPem, LOGIN],
        ["RSA, OpenSSH", RSA.privateKeyOpenssh, RSA],
        ["RSA, PKCS #1", RSA.privateKeyPem, RSA],
        ["RSA, PKCS #8", RSA.privateKeyPemPkcs8, RSA],
        ["ECDSA, OpenSSH", ECDSA.privateKeyOpenssh, ECDSA],
        ["ECDSA, SEC 1", ECDSA.privateKeyPem, ECDSA],
        ["ECDSA, PKCS #8", ECDSA.privateKeyPemPkcs8, ECDSA],
        ["P-521", P521.privateKeyOpenssh, P521],
        ["lines of Windows", LOGIN.privateKeyOpenssh.replaceAll("\n", "\r\n"), LOGIN],
        ["blanks around it", `\n  ${LOGIN.privateKeyOpenssh}\n\n`, LOGIN],
        ["text before it", `the key of the platform\n${RSA.privateKeyPem}`, RSA],
    ])("is accepted: %s", (_, text, pair) => {
        expect(login(text, pair)).toEqual([]);
        expect(bastion(text)).toEqual([]);
    });

    const PASSPHRASE = /^\w+ has a passphrase, which nobody can enter. Set a key without one\.$/;
    const DAMAGED = /^\w+ is truncated or damaged. Set the whole key again from its file\.$/;
    test.each<[string, string, RegExp]>([
        ["a passphrase, PKCS #1", encrypted(RSA.privateKeyPem, "pkcs1"), PASSPHRASE],
        ["a passphrase, PKCS #8", encrypted(LOGIN.privateKeyPem, "pkcs8"), PASSPHRASE],
        ["a passphrase, SEC 1", encrypted(ECDSA.privateKeyPem, "sec1"), PASSPHRASE],
        ["a passphrase, OpenSSH", withPassphrase(LOGIN.privateKeyOpenssh), PASSPHRASE],
        ["no last line", lines(LOGIN.privateKeyOpenssh).slice(0, -1).join("\n"), DAMAGED],
        ["no last line but one", lines(RSA.privateKeyPem).toSpliced(-2, 1).join("\n"), DAMAGED],
        ["a line lost in the middle", lines(RSA.privateKeyOpenssh).toSpliced(5, 1).join("\n"), DAMAGED],
        ["the first half", ECDSA.privateKeyPem.slice(0, ECDSA.privateKeyPem.length / 2), DAMAGED],
        ["indented lines", LOGIN.privateKeyOpenssh.replaceAll("\n", "\n    "), DAMAGED],
        ["blanks in place of lines", LOGIN.privateKeyOpenssh.replaceAll("\n", " "), DAMAGED],
        ["a damaged private part", damaged(LOGIN), DAMAGED],
        [
            "literal \\n",
            LOGIN.privateKeyOpenssh.replaceAll("\n", "\\n"),
            /^\w+ holds "\\n" in place of line breaks: set it from/,
        ],
        [
            "literal \\r\\n",
            LOGIN.privateKeyOpenssh.replaceAll("\n", "\\r\\n"),
            /^\w+ holds "\\n" in place of line breaks/,
        ],
        [
            "a file's name",
            "~/.ssh/id_ed25519",
            /^\w+ must be text with a "-----BEGIN … PRIVATE KEY-----" block, not a file name/,
        ],
        ["a public key", RSA.publicKeyPem, /^\w+ must begin with .*, not with "-----BEGIN PUBLIC KEY-----"/],
        [
            "another block first",
            `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${ECDSA.privateKeyPem}`,
            /, not with "-----BEGIN EC PARAMETERS-----"/,
        ],
        ["a curve that SSH does not have", bitcoin.export({ type: "pkcs8", format: "pem" }).toString(), DAMAGED],
        [
            "a small RSA key",
            smallRsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
            /^\w+ is an RSA key of 768 bits, and 1024 are the least that is taken\.$/,
        ],
    ])("is refused: %s", (_, text, sentence) => {
        for (const found of [login(text, LOGIN), bastion(text)]) {
            expect(found).toHaveLength(1);
            expect(found[0]).toMatch(sentence);
        }
    });

    test.each([LOGIN.privateKeyOpenssh, RSA.privateKeyPem, ECDSA.privateKeyPemPkcs8])(
        "is refused wherever it is cut",
        (text) => {
            for (let length = 60; length < text.trim().length; length += 37)
                expect(bastion(text.slice(0, length)), `${length}`).toHaveLength(1);
        },
    );
});

describe("a key pair", () => {
    test.each<[string, string, KeyTexts]>([
        ["of the same kind", LOGIN.privateKeyOpenssh, OTHER],
        ["of another kind", LOGIN.privateKeyOpenssh, RSA],
        ["of another curve", ECDSA.privateKeyPem, P521],
    ])("that does not belong together is refused: %s", (_, text, pair) => {
        expect(login(text, pair)).toEqual([
            expect.stringMatching(/^sshPublicKey does not belong to sshPrivateKey\. Set the public key/),
        ]);
    });
});

describe("a public key", () => {
    const [type, blob] = LOGIN.publicKeyOpenssh.trim().split(" ") as [string, string];
    const other = ECDSA.publicKeyOpenssh.trim().split(" ")[1]!;
    test.each([
        ["cut by a letter", `${type} ${blob.slice(0, -1)}`],
        ["cut by four", `${type} ${blob.slice(0, -4)} me`],
        ["cut to its beginning", `${type} AAAA`],
        ["too long", `${type} ${blob}AAAA me`],
        ["of another type than it says", `${type} ${other}`],
        ["without its filling", `ecdsa-sha2-nistp384 ${other.replace(/=+$/, "").slice(0, -1)}`],
    ])("is refused: %s", (_, line) => {
        const asLogin = refusals({ sshPublicKey: line, sshPrivateKey: LOGIN.privateKeyOpenssh });
        const asHostKey = refusals({ ...BASTION, bastionHostKey: line });
        expect([...asLogin, ...asHostKey]).toEqual([
            "sshPublicKey is truncated or damaged. Set the whole key again from its file.",
            "bastionHostKey is truncated or damaged. Set the whole key again from its file.",
        ]);
    });

    test("of a small RSA key is refused", () => {
        const line = sshpk.parseKey(smallRsa.publicKey.export({ type: "spki", format: "pem" }), "pem").toString("ssh");
        expect(refusals({ sshPublicKey: line, sshPrivateKey: LOGIN.privateKeyOpenssh })).toEqual([
            "sshPublicKey is an RSA key of 768 bits, and 1024 are the least that is taken.",
        ]);
    });

    test("with a comment that the user data has no room for is refused", () => {
        const line = `${type} ${blob} ${"x".repeat(8_000)}`;
        expect(refusals({ sshPublicKey: line, sshPrivateKey: LOGIN.privateKeyOpenssh })[0]).toMatch(
            /^sshPublicKey must be at most 8000 characters long/,
        );
    });
});

describe("a private key of a certificate", async () => {
    const authority = await TestCa.create("CN=own");
    const { cert, key } = await authority.issue(["linkmesh.example.com"]);
    const own = (tlsPrivateKey: string) => refusals({ tlsCertificate: cert + authority.pem, tlsPrivateKey });
    const sec1 = createPrivateKey(key).export({ type: "sec1", format: "pem" }).toString();
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

    test.each([
        ["PKCS #8", key],
        ["SEC 1", sec1],
        ["SEC 1 with its parameters, as openssl ecparam writes it", parameters + sec1],
    ])("is accepted: %s", (_, text) => expect(own(text)).toEqual([]));

    test.each<[string, string, RegExp]>([
        ["a passphrase", encrypted(key, "pkcs8"), /^tlsPrivateKey has a passphrase/],
        ["a passphrase, SEC 1", encrypted(key, "sec1"), /^tlsPrivateKey has a passphrase/],
        ["cut", lines(key).toSpliced(-2, 1).join("\n"), /^tlsPrivateKey is truncated or damaged/],
        ["literal \\n", key.replaceAll("\n", "\\n"), /^tlsPrivateKey holds "\\n" in place of line breaks/],
        ["a key of SSH", LOGIN.privateKeyOpenssh, /, not with "-----BEGIN OPENSSH PRIVATE KEY-----"/],
        [
            "a small RSA key",
            smallRsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
            /of 768 bits, and 2048 are the least/,
        ],
    ])("is refused: %s", (_, text, sentence) => {
        const found = own(text);
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(sentence);
    });
});

function withPassphrase(text: string): string {
    return sshpk.parsePrivateKey(text, "auto").toString("openssh", { passphrase: "hunter2" });
}
