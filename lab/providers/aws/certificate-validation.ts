import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../provider.ts";
import { findCertificate, unvalidatedNames, validationRecord } from "./certificate.ts";
import { type ResourceType, text } from "./resource-type.ts";

const DEFAULT_SECONDS = 75 * 60;
const POLL_MS = 500;

/** Waits until Certificate Manager has issued a certificate. */
export const certificateValidation: ResourceType = {
    label: "ACM Certificate Validation",
    inputs: {
        certificateArn: { kind: "string", required: true, forceNew: true },
        validationRecordFqdns: { kind: "set", forceNew: true },
    },
    outputs: ["region"],
    /** The records may come from somebody else, at another DNS provider. */
    async waits(cloud, inputs, { signal, timeoutSeconds = DEFAULT_SECONDS, log }) {
        const deadline = Date.now() + timeoutSeconds * 1000;
        for (let isFirst = true; ; isFirst = false) {
            const { state } = await cloud();
            const found = findCertificate(state, text(inputs, "certificateArn"));
            const missing = found.issuedAt ? [] : unvalidatedNames(state, found);
            if (missing.length === 0) return;
            if (isFirst) {
                const records = missing
                    .map((name) => validationRecord(name))
                    .map((one) => `${one.name} CNAME ${one.value}`);
                log("info", `Certificate Manager waits for ${records.join(", ")}`, { ephemeral: true });
            }
            if (signal.aborted) throw new ProviderError("the operation was cancelled");
            if (Date.now() > deadline) {
                throw new ProviderError(
                    `waiting for ACM Certificate (${found.arn}) to be issued: timeout while waiting for state to become ` +
                        `'ISSUED' (last state: 'PENDING_VALIDATION', timeout: ${timeoutSeconds}s)`,
                );
            }
            await sleep(POLL_MS);
        }
    },
    create({ state }, inputs) {
        const found = findCertificate(state, text(inputs, "certificateArn"));
        if (found.imported) {
            throw new ProviderError(`ACM Certificate (${found.arn}) has type IMPORTED, no validation necessary`);
        }
        const given = (inputs.validationRecordFqdns as string[] | undefined)?.map((name) => name.replace(/\.$/, ""));
        const missing = given && found.names.filter((name) => !given.includes(validationRecord(name).name));
        if (missing?.length) {
            const lines = missing.map(
                (name) => `missing ${name} DNS validation record: ${validationRecord(name).name}`,
            );
            throw new ProviderError(lines.join("\n"));
        }
        found.issuedAt ??= new Date().toISOString();
        return found.issuedAt;
    },
    /** The certificate stays valid. */
    async remove() {
        // Nothing to delete, as in the provider.
    },
    describe({ state }, _id, inputs) {
        const found = state.certificates[text(inputs, "certificateArn")];
        return found?.issuedAt ? { certificateArn: found.arn } : undefined;
    },
};
