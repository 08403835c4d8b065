import { type KeyObject, X509Certificate, createPrivateKey } from "node:crypto";
import { certificateNames, hasOwnCertificate, httpsNames, usesHttp01 } from "../../certificate.ts";
import { covers } from "../../hostnames.ts";
import { brokenChain, readChain } from "../chain.ts";
import { isLetsEncrypt } from "../schema/types.ts";
import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

export function certificateRules(s: Settings): string[] {
    const uncovered = httpsNames(s).find((name) => !certificateNames(s).some((pattern) => covers(pattern, name)));
    const wildcard = certificateNames(s).find((name) => name.startsWith("*."));
    const redundant = s.certificateNames.find((name) =>
        s.certificateNames.some((one) => one !== name && covers(one, name)),
    );
    const unanswered = s.certificateNames.find((name) => !name.startsWith("*.") && !httpsNames(s).includes(name));
    const problems = violations([
        [
            s.acmeCaBundle === "" || holdsCertificatesOnly(s.acmeCaBundle),
            "acmeCaBundle cannot be read. Each of its blocks must be a certificate in PEM format.",
        ],
        [
            hasOwnCertificate(s) === s.tlsPrivateKey.isSet(),
            "tlsCertificate and tlsPrivateKey belong together. Set both, or neither to get a certificate from acmeDirectory.",
        ],
        [
            (s.acmeEabKeyId !== "") === s.acmeEabHmacKey.isSet(),
            "acmeEabKeyId and acmeEabHmacKey belong together. Set both to the values that the authority gave you, or neither.",
        ],
        [
            s.acmeEabKeyId === "" || !isLetsEncrypt(s),
            "acmeEabKeyId has no use with Let's Encrypt. Set acmeDirectory to the URL of your authority, or remove acmeEabKeyId and acmeEabHmacKey.",
        ],
        [
            s.acmeChallenge === "http-01" || s.dns !== "external",
            "acmeChallenge dns-01 needs Route 53, but dns is external. Set acmeChallenge to http-01, or set tlsCertificate.",
        ],
        [
            !usesHttp01(s) || s.httpRedirect,
            "httpRedirect is false, but http-01 needs port 80. Set acmeChallenge to dns-01, set tlsCertificate, or remove httpRedirect.",
        ],
        [
            s.publicAddress || !usesHttp01(s) || !isLetsEncrypt(s),
            `publicAddress is false, but acmeDirectory ${s.acmeDirectory} is Let's Encrypt, which connects to port 80 from the internet. Set acmeChallenge to dns-01, set tlsCertificate, or set acmeDirectory to an authority inside the network.`,
        ],
        [
            !usesHttp01(s) || wildcard === undefined,
            `certificateNames holds the wildcard ${wildcard}, which needs dns-01. Set acmeChallenge to dns-01, or list each host name.`,
        ],
        [
            redundant === undefined,
            `certificateNames holds ${redundant} and a wildcard that covers it, and authorities refuse both in one certificate. Remove ${redundant}.`,
        ],
        [
            !usesHttp01(s) || uncovered !== undefined || unanswered === undefined,
            `certificateNames holds ${unanswered}, for which nginx answers no http-01 challenge. Remove it, or set acmeChallenge to dns-01.`,
        ],
        [
            hasOwnCertificate(s) || uncovered === undefined,
            `certificateNames lacks ${uncovered}, which nginx serves. Add it, or a wildcard that covers it.`,
        ],
        [
            !hasOwnCertificate(s) || s.certificateNames.length === 0,
            "certificateNames is for ACME, but tlsCertificate is set. Remove one of them.",
        ],
        [
            !hasOwnCertificate(s) || s.acmeChallenge === "http-01",
            "acmeChallenge is for ACME, but tlsCertificate is set. Remove one of them.",
        ],
        [
            new Set(s.certificateNames).size === s.certificateNames.length,
            "certificateNames holds a name twice. Remove one.",
        ],
    ]);
    if (hasOwnCertificate(s) && s.tlsPrivateKey.isSet()) problems.push(...ownCertificate(s));
    return problems;
}

/** Whether every block of a bundle is a certificate. Text between the blocks is allowed. */
function holdsCertificatesOnly(bundle: string): boolean {
    try {
        for (const [block] of bundle.matchAll(/-----BEGIN [\s\S]+?-----END .*/g)) new X509Certificate(block);
        return true;
    } catch {
        return false;
    }
}

function ownCertificate(s: Settings): string[] {
    let chain: X509Certificate[];
    try {
        chain = readChain(s.tlsCertificate);
    } catch {
        return [
            "tlsCertificate cannot be read. Each of its blocks must be a certificate in PEM format, the host's first.",
        ];
    }
    const shown = chain[0]!;
    let fits: boolean;
    try {
        fits = s.tlsPrivateKey.test((key) => shown.checkPrivateKey(createPrivateKey(key)));
    } catch {
        return ["tlsPrivateKey cannot be read. Set it in PEM format without a passphrase."];
    }
    const uncovered = httpsNames(s).find((name) => shown.checkHost(name) === undefined);
    const notFollowed = fits ? brokenChain(chain) : undefined;
    return violations([
        [
            fits,
            "tlsPrivateKey does not belong to tlsCertificate. Set a matching pair, with the host's certificate before its chain.",
        ],
        [
            uncovered === undefined,
            `tlsCertificate is for ${shown.subjectAltName?.replaceAll("DNS:", "") ?? "no name"}, not for ${uncovered}. Set a certificate for ${uncovered}.`,
        ],
        [new Date(shown.validTo) > new Date(), `tlsCertificate expired on ${shown.validTo}. Set a newer one.`],
        [notFollowed === undefined, notFollowed ?? ""],
        [
            s.nodes === 1 || fitsLoadBalancer(shown.publicKey),
            `tlsCertificate has a key of the kind ${kindOfKey(shown.publicKey)}, with which the load balancer of several nodes serves nobody. Set a certificate whose key is RSA with 2048 or 3072 bits, or EC on P-256, P-384 or P-521.`,
        ],
    ]);
}

/** Certificate Manager also imports RSA keys of 4096 bits, but a TLS listener of a Network Load Balancer does not work with them. */
function fitsLoadBalancer({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
    if (type === "rsa") return [1024, 2048, 3072].includes(details?.modulusLength ?? 0);
    return type === "ec" && ["prime256v1", "secp384r1", "secp521r1"].includes(details?.namedCurve ?? "");
}

/** As "rsa 4096" or "ed25519". */
function kindOfKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
    const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
    return [asymmetricKeyType, modulusLength ?? namedCurve].filter((word) => word !== undefined).join(" ");
}
