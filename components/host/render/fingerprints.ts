import { createHmac } from "node:crypto";
import { readParts } from "./step.ts";

/** 48 bits: enough to tell two values of one part apart, short enough to read. */
const LENGTH = 12;

/**
 * A word for each part of a step's text, "DOMAIN=3f2a1b0c9d8e": it changes if the part does. The key keeps a short
 * secret from being found by trying values; equal values of one part have equal fingerprints. Pure.
 * @param owner whose text it is: stack and step
 */
export function fingerprints(owner: string, text: string, key: string): string[] {
    return [...readParts(text)].map(([part, value]) => {
        const digest = createHmac("sha256", key)
            .update(JSON.stringify([owner, part, value]))
            .digest("hex");
        return `${part.replace(/^\w+ /, "")}=${digest.slice(0, LENGTH)}`;
    });
}
