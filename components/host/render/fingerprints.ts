import { createHmac } from "node:crypto";
import { readParts } from "./step.ts";

/** In hexadecimal digits: 48 bits distinguish two values of a part, and are short enough to read. */
const LENGTH = 12;

/**
 * A fingerprint of each part of a step's text, for example "DOMAIN=3f2a1b0c9d8e". It changes if the part changes. Without
 * the key, a short secret could be found by trying values. Pure.
 * @param owner stack and step, so that equal values of different owners have different fingerprints
 */
export function fingerprints(owner: string, text: string, key: string): string[] {
    return [...readParts(text)].map(
        ([part, value]) => `${part.replace(/^\w+ /, "")}=${fingerprint([owner, part, value], key)}`,
    );
}

/** One fingerprint of all the values. Pure. */
export function fingerprint(values: readonly string[], key: string): string {
    return createHmac("sha256", key).update(JSON.stringify(values)).digest("hex").slice(0, LENGTH);
}
