import "reflect-metadata";
import { X509Certificate, webcrypto } from "node:crypto";
import { rootCertificates } from "node:tls";
import * as x509 from "@peculiar/x509";
import { beforeAll, expect, test } from "vitest";
import { brokenChain, readChain, unknownRoot } from "../../components/settings/chain.ts";
import { TestCa } from "../host/test-ca.ts";

const DAY_MS = 86_400_000;

let root: TestCa;
let other: TestCa;
let below: TestCa;
let cert: string;
let atRoot: string;
let alone: string;
beforeAll(async () => {
    root = await TestCa.create("O=Example, CN=the root");
    other = await TestCa.create("CN=another root");
    below = await TestCa.create("CN=the intermediate", root);
    cert = (await below.issue(["linkmesh.example.com"], { to: 600 })).cert;
    atRoot = (await root.issue(["linkmesh.example.com"])).cert;
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const generated = await x509.X509CertificateGenerator.createSelfSigned({
        name: "CN=linkmesh.example.com",
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: new Date(Date.now() + DAY_MS),
        signingAlgorithm: algorithm,
        keys: await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]),
        extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true)],
    });
    alone = generated.toString("pem");
});

const broken = (pems: string[], now?: Date) => brokenChain(readChain(pems.join("\n")), now);

test.each<[string, () => string[]]>([
    ["up to below the root", () => [cert, below.pem]],
    ["up to the root", () => [cert, below.pem, root.pem]],
    ["a host's certificate that the root has signed, with the root", () => [atRoot, root.pem]],
    ["a certificate that has signed itself", () => [root.pem]],
    ["one that has signed itself, and may sign no other", () => [alone]],
    ["text between the blocks", () => ["subject: ours", cert, "", "issuer: theirs", below.pem]],
    ["one that a public root has signed", () => [rootCertificates[0]!]],
])("%s is a chain", (_, pems) => expect(broken(pems())).toBeUndefined());

test.each<[string, () => string[], RegExp]>([
    [
        "nothing behind the host's",
        () => [cert],
        /^tlsCertificate lacks its chain. Add the certificate of "CN=the intermediate" after the host's/,
    ],
    [
        "a foreign certificate behind it",
        () => [cert, other.pem],
        /holds "CN=another root" after "CN=test", which did not sign it. Put the certificate of "CN=the intermediate" there/,
    ],
    [
        "a foreign certificate at the end",
        () => [cert, below.pem, other.pem],
        /holds "CN=another root" after "CN=the intermediate"/,
    ],
    ["the root in the middle", () => [cert, root.pem, below.pem], /holds "CN=the root, O=Example" after "CN=test"/],
    [
        "more behind the root",
        () => [cert, below.pem, root.pem, below.pem],
        /holds "CN=the intermediate" after "CN=the root, O=Example"/,
    ],
    ["the host's twice", () => [cert, cert, below.pem], /holds "CN=test" after "CN=test"/],
])("%s is none", (_, pems, sentence) => expect(broken(pems())).toMatch(sentence));

test("another authority of the same name has not signed it", async () => {
    const namesake = await TestCa.create("CN=the intermediate", root);
    expect(broken([cert, namesake.pem])).toMatch(/which did not sign it/);
});

test("an expired intermediate, and a certificate that is not valid yet", () => {
    // The authorities of these tests are valid for 400 days before and after today, the host's certificate from 10 days ago.
    const pems = [cert, below.pem];
    expect(broken(pems, new Date(Date.now() + 399 * DAY_MS))).toBeUndefined();
    expect(broken(pems, new Date(Date.now() + 401 * DAY_MS))).toMatch(
        /holds "CN=the intermediate" in its chain, which expired on .* GMT/,
    );
    expect(broken(pems, new Date(Date.now() - 11 * DAY_MS))).toMatch(
        /holds "CN=test", which is not valid before .* GMT/,
    );
});

test.each<[string, (text: string) => string]>([
    ["cut short", (text) => text.slice(0, -100)],
    ["with a private key", (text) => `${text}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
])("a text %s cannot be read", (_, mar) => expect(() => readChain(mar(`${cert}\n${below.pem}`))).toThrow());

test("a chain to a private CA needs a warning, one to a public root does not", () => {
    expect(unknownRoot([new X509Certificate(rootCertificates[0]!)])).toBeUndefined();
    const sentence = /^tlsCertificate ends at "CN=the root, O=Example", which is not a public root/;
    expect(unknownRoot(readChain(`${cert}\n${below.pem}`))).toMatch(sentence);
    expect(unknownRoot(readChain(root.pem))).toMatch(sentence);
});

test("an expired certificate behind a public root does not matter, because clients stop at the root", () => {
    const publicRoot = rootCertificates[0]!;
    expect(broken([publicRoot, publicRoot], new Date("2200-01-01"))).toBeUndefined();
});
