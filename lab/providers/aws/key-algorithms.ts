import type { KeyObject } from "node:crypto";

const CURVES: Record<string, string> = {
    prime256v1: "EC_prime256v1",
    secp384r1: "EC_secp384r1",
    secp521r1: "EC_secp521r1",
};
const RSA_BITS = [1024, 2048, 3072, 4096];

/** Certificate Manager's name of a key's algorithm; undefined for a key that it does not import. */
export function keyAlgorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
    const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails ?? {};
    if (asymmetricKeyType === "rsa") return RSA_BITS.includes(modulusLength) ? `RSA_${modulusLength}` : undefined;
    return asymmetricKeyType === "ec" ? CURVES[namedCurve] : undefined;
}

/** Whether the TLS listener of a Network Load Balancer works with a key: not with the longest of Certificate Manager. */
export function fitsListener(keyAlgorithm: string): boolean {
    return keyAlgorithm !== "RSA_4096";
}
