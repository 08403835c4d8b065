import type { KeyObject } from "node:crypto";

const CURVES: Record<string, string> = { secp384r1: "EC_secp384r1", secp521r1: "EC_secp521r1" };

/** Certificate Manager's name of a key's algorithm. */
export function keyAlgorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
    if (asymmetricKeyType === "rsa") return `RSA_${asymmetricKeyDetails?.modulusLength}`;
    return CURVES[asymmetricKeyDetails?.namedCurve ?? ""] ?? "EC_prime256v1";
}
