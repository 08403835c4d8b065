import type { X509Certificate } from "node:crypto";
import { RENEWAL_FAILS, SET_ANOTHER, unknownIssuer, WRONG_CLOCK, wrongCertificate } from "./causes.ts";
import type { TlsConnection } from "./connect.ts";
import { fail, ok, warn, type ResolvedTarget, type Verdict } from "./types.ts";

/** Found in the issuer names of CAs for tests, which browsers do not trust: Let's Encrypt staging, and Pebble. */
const TEST_CA = /\(STAGING\)|pretend pear|bogus broccoli|yearning yucca|yonder yam|pebble/i;

const WHOLE_CHAIN =
    "tlsCertificate has to hold the host's certificate and after it those of its authorities; see what it holds: `pulumi config get tlsCertificate`";

/** Whether clients that know only `target.ca` (or the public roots) accept the server's certificate for this host. */
export function judgeTrust({ certificate, chainError }: TlsConnection, target: ResolvedTarget): Verdict {
    if (certificate.checkHost(target.host, { subject: "never" }) === undefined) {
        return fail(
            `the certificate is for ${names(certificate).join(", ") || "no name at all"}, not for ${target.host}`,
            wrongCertificate(target),
        );
    }
    if (chainError === undefined) return ok(`certificate of ${issuer(certificate)}`);
    return judgeDates(certificate, chainError, target) ?? judgeIssuer(certificate, chainError, target);
}

function judgeDates(
    certificate: X509Certificate,
    chainError: string,
    { ownCertificate }: ResolvedTarget,
): Verdict | undefined {
    if (chainError === "CERT_HAS_EXPIRED") {
        return fail(
            `the certificate, or one above it, has expired (this one on ${day(certificate.validTo)})`,
            ownCertificate ? SET_ANOTHER : RENEWAL_FAILS,
        );
    }
    if (chainError === "CERT_NOT_YET_VALID") {
        return fail(`the certificate is valid only from ${day(certificate.validFrom)}`, WRONG_CLOCK);
    }
    return undefined;
}

function judgeIssuer(certificate: X509Certificate, chainError: string, target: ResolvedTarget): Verdict {
    const { ca, ownCertificate } = target;
    if (chainError === "DEPTH_ZERO_SELF_SIGNED_CERT") {
        return fail(
            "the certificate is self-signed",
            ownCertificate ? `pass it with --ca if that is intended; otherwise ${SET_ANOTHER}` : unknownIssuer(target),
        );
    }
    if (ca !== undefined) {
        return fail(
            `the certificate of ${issuer(certificate)} does not chain to the given CA (${chainError})`,
            ownCertificate
                ? `the CA file belongs to other authorities (--ca), or the chain is not whole: ${WHOLE_CHAIN}`
                : `the CA file or acmeCaBundle lacks the CA that issues the certificates: add it to acmeCaBundle, which may verify the directory only, or pass it with --ca; or ${unknownIssuer(target)}`,
        );
    }
    if (fromTestCa(certificate)) {
        return warn(
            `the certificate comes from a test CA (${issuer(certificate)}): browsers and collectors do not trust it`,
            "this is Let's Encrypt's staging directory, or another authority for tests; once the set-up works: `pulumi config set acmeDirectory production && pulumi up`",
        );
    }
    return fail(
        `the certificate of ${issuer(certificate)} does not chain to a trusted root (${chainError})`,
        ownCertificate
            ? `the CA is your own (pass it with --ca), or the chain is not whole: ${WHOLE_CHAIN}`
            : unknownIssuer(target),
    );
}

/** The DNS names and addresses in the certificate, as ["linkmesh.example.com", "10.0.0.7"]. */
export function names(certificate: X509Certificate): string[] {
    const entries = certificate.subjectAltName?.split(", ") ?? [];
    return entries.map((entry) => entry.replace(/^(DNS|IP Address):/, ""));
}

/** The issuer's common name, or its whole name if it has none. */
export function issuer(certificate: X509Certificate): string {
    const lines = certificate.issuer?.split("\n") ?? [];
    return lines.find((line) => line.startsWith("CN="))?.slice(3) ?? (lines.join(", ") || "an issuer without a name");
}

function fromTestCa(certificate: X509Certificate): boolean {
    return TEST_CA.test(certificate.issuer ?? "");
}

/** "2026-11-22". */
export function day(date: string): string {
    return new Date(date).toISOString().slice(0, 10);
}

const DAY_MS = 86_400_000;

/**
 * Whole days until the certificate expires, negative afterwards: a warning from 21 days, a failure from 7. certbot renews
 * certificates of less than 70 days later, at a third of their life, so their limits are 30 % and 10 % of the lifetime.
 */
export function judgeExpiry(
    validFrom: string,
    validTo: string,
    now = Date.now(),
): { days: number; status: Verdict["status"] } {
    const left = (Date.parse(validTo) - now) / DAY_MS;
    const lifetime = (Date.parse(validTo) - Date.parse(validFrom)) / DAY_MS;
    const status = left <= Math.min(7, lifetime * 0.1) ? "fail" : left <= Math.min(21, lifetime * 0.3) ? "warn" : "ok";
    return { days: Math.floor(left), status };
}
