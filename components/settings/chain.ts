import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";

/** The certificates of a PEM text, in order. @throws if a block is truncated or not a certificate, such as a private key */
export function readChain(pem: string): X509Certificate[] {
    const blocks = pem.split(/(?=-----BEGIN )/).filter((text) => text.startsWith("-----BEGIN "));
    return blocks.map((block) => new X509Certificate(block));
}

/**
 * Why a client cannot follow the chain; undefined if it can. nginx does not check this: it serves every chain whose first
 * certificate belongs to the key.
 */
export function brokenChain(chain: readonly X509Certificate[], now = new Date()): string | undefined {
    for (const [index, one] of chain.entries()) {
        const above = chain[index + 1];
        if (above && !issued(above, one)) {
            return `tlsCertificate holds ${subject(above)} after ${subject(one)}, which did not sign it. Put the certificate of ${issuerOf(one)} there, and remove those that do not belong to the chain.`;
        }
        // An expired cross-signed root at the end does no harm, because clients stop at the root that they know.
        if (index > 0 && new Date(one.validTo) <= now && !endsAtPublicRoot(chain.slice(0, index))) {
            return `tlsCertificate holds ${subject(one)} in its chain, which expired on ${one.validTo}. Replace it by a newer one of that name.`;
        }
        if (new Date(one.validFrom) > now) {
            return `tlsCertificate holds ${subject(one)}, which is not valid before ${one.validFrom}. Set one that is valid today.`;
        }
    }
    const [host] = chain;
    if (host && chain.length === 1 && !signsItself(host) && !endsAtPublicRoot(chain)) {
        return `tlsCertificate lacks its chain. Add the certificate of ${issuerOf(host)} after the host's, even if it is the root, and the certificates above it that clients do not know.`;
    }
    return undefined;
}

/** A warning if the chain does not end at a public root. */
export function unknownRoot(chain: readonly X509Certificate[]): string | undefined {
    const last = chain.at(-1);
    if (!last || endsAtPublicRoot(chain)) return undefined;
    return `tlsCertificate ends at ${issuerOf(last)}, which is not a public root. Make collectors and browsers trust it, or they refuse the certificate.`;
}

/** The certificate at the end of the chain, in PEM form, which clients have to trust. Undefined if they trust a public root above it. */
export function privateAnchor(chain: readonly X509Certificate[]): string | undefined {
    return endsAtPublicRoot(chain) ? undefined : chain.at(-1)!.toString();
}

function endsAtPublicRoot(chain: readonly X509Certificate[]): boolean {
    const last = chain.at(-1)!;
    return rootCertificates
        .map((pem) => new X509Certificate(pem))
        .some((root) => root.fingerprint256 === last.fingerprint256 || issued(root, last));
}

/** Unlike {@link issued}, this does not require that the certificate may sign others. */
function signsItself(one: X509Certificate): boolean {
    return one.subject === one.issuer && one.verify(one.publicKey);
}

function issued(above: X509Certificate, one: X509Certificate): boolean {
    return one.checkIssued(above) && one.verify(above.publicKey);
}

const subject = (certificate: X509Certificate) => name(certificate.subject);
const issuerOf = (certificate: X509Certificate) => name(certificate.issuer);

/** Node's lines as one, most specific first: "CN=R11, O=Let's Encrypt". */
function name(lines: string | undefined): string {
    return `"${(lines ?? "").split("\n").reverse().join(", ")}"`;
}
