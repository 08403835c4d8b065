import { X509Certificate, createPrivateKey } from "node:crypto";
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
            "acmeCaBundle cannot be read: each of its blocks must be a certificate in PEM form.",
        ],
        [
            hasOwnCertificate(s) === s.tlsPrivateKey.isSet(),
            "tlsCertificate and tlsPrivateKey belong together: set both, or none to have a certificate from acmeDirectory.",
        ],
        [
            (s.acmeEabKeyId !== "") === s.acmeEabHmacKey.isSet(),
            "acmeEabKeyId and acmeEabHmacKey belong together: set both as the authority shows them, or none.",
        ],
        [
            s.acmeEabKeyId === "" || !isLetsEncrypt(s),
            "acmeEabKeyId is of no use with Let's Encrypt: set acmeDirectory to the authority's URL, or remove it.",
        ],
        [
            s.acmeChallenge === "http-01" || s.dns === "route53",
            "acmeChallenge dns-01 writes into Route 53, but dns is external: use http-01, or bring a certificate by tlsCertificate.",
        ],
        [
            !usesHttp01(s) || s.httpRedirect,
            "httpRedirect is false, but http-01 needs port 80: use dns-01, bring a certificate by tlsCertificate, or leave the port open.",
        ],
        [
            s.publicAddress || !usesHttp01(s) || !isLetsEncrypt(s),
            `publicAddress is false, but ${s.acmeDirectory} is Let's Encrypt, which comes to port 80 from the internet: use dns-01, bring a certificate by tlsCertificate, or name an authority inside the network.`,
        ],
        [
            !usesHttp01(s) || wildcard === undefined,
            `certificateNames holds ${wildcard}, and authorities give wildcards by dns-01 only: set acmeChallenge to dns-01, or name each host.`,
        ],
        [
            redundant === undefined,
            `certificateNames holds ${redundant}, which a wildcard of the list covers, and authorities refuse both in one: remove it.`,
        ],
        [
            !usesHttp01(s) || uncovered !== undefined || unanswered === undefined,
            `certificateNames holds ${unanswered}, which nginx answers no http-01 challenge for: remove it, or set acmeChallenge to dns-01.`,
        ],
        [
            hasOwnCertificate(s) || uncovered === undefined,
            `certificateNames lacks ${uncovered}, which nginx answers for: add it, or a wildcard that covers it.`,
        ],
        [
            !hasOwnCertificate(s) || s.certificateNames.length === 0,
            "certificateNames says what an authority is asked for, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
        [
            !hasOwnCertificate(s) || s.acmeChallenge === "http-01",
            "acmeChallenge speaks of an authority, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
        [
            new Set(s.certificateNames).size === s.certificateNames.length,
            "certificateNames holds a name twice: remove one.",
        ],
    ]);
    if (hasOwnCertificate(s) && s.tlsPrivateKey.isSet()) problems.push(...ownCertificate(s));
    return problems;
}

/** Whether every block of a bundle is a certificate; what stands between them is the reader's. */
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
            "tlsCertificate cannot be read: each of its blocks must be a certificate in PEM form, and the first the host's.",
        ];
    }
    const shown = chain[0]!;
    let fits: boolean;
    try {
        fits = s.tlsPrivateKey.test((key) => shown.checkPrivateKey(createPrivateKey(key)));
    } catch {
        return ["tlsPrivateKey cannot be read: it must be PEM without a passphrase."];
    }
    const uncovered = httpsNames(s).find((name) => shown.checkHost(name) === undefined);
    const notFollowed = fits ? brokenChain(chain) : undefined;
    return violations([
        [
            fits,
            "tlsPrivateKey is not the key of tlsCertificate: set the two that belong together, the host's certificate first and its chain after it.",
        ],
        [
            uncovered === undefined,
            `tlsCertificate is not for ${uncovered}: it names ${shown.subjectAltName?.replaceAll("DNS:", "") ?? "nothing"}.`,
        ],
        [new Date(shown.validTo) > new Date(), `tlsCertificate ended on ${shown.validTo}: set a newer one.`],
        [notFollowed === undefined, notFollowed ?? ""],
    ]);
}
