import { createHash } from "node:crypto";
import {
    type CheckFailure,
    type CheckRequest,
    type CreateRequest,
    type DiffRequest,
    ProviderError,
    type ReadRequest,
    type ResourceProvider,
    type UpdateRequest,
} from "../provider.ts";
import { UNKNOWN, asText, type Value, type Values, equal, hasUnknown } from "../property-values.ts";
import { type Algorithm, type Curve, generateKey } from "./keys.ts";

const TYPE = "tls:index/privateKey:PrivateKey";
export const INPUTS = ["algorithm", "ecdsaCurve", "rsaBits"];
const ALGORITHMS = ["RSA", "ECDSA", "ED25519"];
const CURVES = ["P224", "P256", "P384", "P521"];
const SECRETS = ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"];
const PUBLIC = ["publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256"];

/** Stand-in for the tls provider, with PrivateKey only. A key exists only in the engine's state. */
export class TlsProvider implements ResourceProvider {
    readonly name = "tls";

    check({ type, news }: CheckRequest) {
        refuseOther(type);
        const failures: CheckFailure[] = Object.keys(news.values)
            .filter((property) => !INPUTS.includes(property))
            .map((property) => ({
                property,
                reason: `${TYPE} has no property "${property}"; it has ${INPUTS.join(", ")}`,
            }));
        const { algorithm, ecdsaCurve, rsaBits } = news.values;
        if (algorithm === undefined) {
            failures.push({ property: "algorithm", reason: `missing required property "algorithm" of ${TYPE}` });
        }
        const oneOf = (property: string, value: Value | undefined, allowed: string[]) => {
            if (value === undefined || hasUnknown(value) || allowed.includes(asText(value))) return;
            failures.push({ property, reason: `"${asText(value)}" is none of ${allowed.join(", ")}` });
        };
        oneOf("algorithm", algorithm, ALGORITHMS);
        oneOf("ecdsaCurve", ecdsaCurve, CURVES);
        if (rsaBits !== undefined && !hasUnknown(rsaBits) && !(Number.isInteger(rsaBits) && Number(rsaBits) >= 1024)) {
            failures.push({ property: "rsaBits", reason: `${asText(rsaBits)} is not a whole number of at least 1024` });
        }
        return { inputs: news, failures };
    }

    /** Every change replaces the key. */
    diff({ oldInputs, news, ignoreChanges }: DiffRequest) {
        const changed = INPUTS.filter((name) => !equal(oldInputs[name], news[name]) && !ignoreChanges.includes(name));
        return { changed, replaces: changed };
    }

    async create({ inputs, preview }: CreateRequest) {
        const complete = withDefaults(inputs.values);
        if (preview) {
            const unknown = Object.fromEntries([...SECRETS, ...PUBLIC].map((name) => [name, UNKNOWN]));
            return { id: "", outputs: { ...complete, ...unknown } };
        }
        const key = await generateKey(algorithmOf(complete));
        const id = createHash("sha1").update(key.publicKeyPem).digest("hex");
        return { id, outputs: { ...complete, ...key }, secrets: SECRETS };
    }

    update({ oldState }: UpdateRequest) {
        return { outputs: oldState, secrets: SECRETS };
    }

    read({ id, inputs, state }: ReadRequest) {
        if (!state.values.privateKeyPem) throw new ProviderError("a tls.PrivateKey cannot be imported");
        return { id, inputs: inputs.values, outputs: state.values, secrets: SECRETS };
    }

    delete(): void {
        // Nothing exists outside the engine's state.
    }

    invoke({ token }: { token: string }): never {
        throw new ProviderError(
            `the lab's stand-in for tls has no function ${token}: install the real plugin to use it`,
        );
    }
}

function withDefaults(inputs: Values): Values {
    return { ecdsaCurve: "P224", rsaBits: 2048, ...inputs };
}

function algorithmOf({ algorithm, ecdsaCurve, rsaBits }: Values): Algorithm {
    if (algorithm === "RSA") return { algorithm, rsaBits: Number(rsaBits) };
    if (algorithm === "ECDSA") return { algorithm, ecdsaCurve: ecdsaCurve as Curve };
    return { algorithm: "ED25519" };
}

function refuseOther(type: string): void {
    if (type !== TYPE) {
        throw new ProviderError(
            `the lab's stand-in for tls has no resource type ${type}, only ${TYPE}: install the real plugin to use it`,
        );
    }
}
