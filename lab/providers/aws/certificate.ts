import { X509Certificate, createHash, createPrivateKey, randomUUID } from "node:crypto";
import type { Certificate } from "../../cloud/balancer-state.ts";
import { publicRecords } from "../../cloud/records.ts";
import { ACCOUNT, type CloudState } from "../../cloud/state.ts";
import type { CheckFailure } from "../provider.ts";
import type { Values } from "../property-values.ts";
import { keyAlgorithmOf } from "./key-algorithms.ts";
import { model } from "./models.ts";
import { ApiError, type ResourceType, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, oneOf } from "./schema.ts";

const request = (member: string) => model("acm", "RequestCertificate", member);
const imported = (member: string) => model("acm", "ImportCertificate", member);
/** The default quota of names in a certificate. */
export const MOST_NAMES = 10;
/** The domain name becomes the certificate's common name, which RFC 5280 limits. */
const LONGEST_COMMON_NAME = 64;
const IMPORT = ["certificateBody", "privateKey", "certificateChain"];
const REQUEST = ["subjectAlternativeNames", "validationMethod", "keyAlgorithm"];

/** A certificate of Certificate Manager: requested, and then validated by DNS, or imported. */
export const certificate: ResourceType = {
    label: "ACM Certificate",
    inputs: {
        domainName: {
            kind: "string",
            computed: true,
            forceNew: true,
            model: request("DomainName"),
            invalid: noFinalDot,
        },
        subjectAlternativeNames: {
            kind: "set",
            computed: true,
            forceNew: true,
            model: request("SubjectAlternativeNames"),
        },
        validationMethod: {
            kind: "string",
            computed: true,
            forceNew: true,
            inert: ONE_VALUE,
            model: request("ValidationMethod"),
            invalid: oneOf("DNS"),
        },
        keyAlgorithm: {
            kind: "string",
            computed: true,
            forceNew: true,
            model: request("KeyAlgorithm"),
            invalid: oneOf("RSA_2048", "EC_prime256v1", "EC_secp384r1"),
        },
        certificateBody: { kind: "string", model: imported("Certificate") },
        privateKey: { kind: "string", model: imported("PrivateKey") },
        certificateChain: { kind: "string", model: imported("CertificateChain") },
        tags: { kind: "tags", model: request("Tags") },
    },
    outputs: [
        ...["arn", "region", "domainValidationOptions", "notAfter", "notBefore", "pendingRenewal"],
        ...["renewalEligibility", "renewalSummaries", "status", "type", "validationEmails"],
    ],
    check: checkCertificate,
    create(cloud, inputs) {
        const arn = `arn:aws:acm:${cloud.region}:${ACCOUNT}:certificate/${randomUUID()}`;
        cloud.state.certificates[arn] = isImport(inputs) ? importedFrom(arn, inputs) : requestedFrom(arn, inputs);
        return arn;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            const found = findCertificate(state, id);
            if (!found.imported) return;
            // An imported certificate keeps its ARN when it is imported again.
            const next = importedFrom(id, news);
            if (next.keyAlgorithm !== found.keyAlgorithm) {
                throw new ApiError(
                    "ValidationException",
                    `The certificate has a key of ${next.keyAlgorithm}, and the one that it replaces has ${found.keyAlgorithm}.`,
                );
            }
            state.certificates[id] = next;
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            if (Object.values(state.listeners).some(({ certificateArn }) => certificateArn === id)) {
                throw new ApiError("ResourceInUseException", `Certificate ${id} in account ${ACCOUNT} is in use.`);
            }
            delete state.certificates[id];
        });
    },
    describe({ state }, id, inputs) {
        const found = state.certificates[id];
        return found && describeCertificate(found, inputs);
    },
};

export function findCertificate(state: CloudState, arn: string): Certificate {
    const found = state.certificates[arn];
    if (found) return found;
    throw new ApiError("ResourceNotFoundException", `Could not find certificate ${arn}.`);
}

/**
 * The record that proves a name to Certificate Manager. It depends on account and name only, so all certificates of a
 * name have the same; a wildcard has that of its domain.
 */
export function validationRecord(name: string): { name: string; value: string } {
    const domain = name.replace(/^\*\./, "");
    const hash = (what: string) => createHash("md5").update(`${what} ${ACCOUNT} ${domain}`).digest("hex");
    return { name: `_${hash("name")}.${domain}`, value: `_${hash("value")}.lab.acm-validations.aws` };
}

/** The names of a certificate whose record the DNS servers do not have. */
export function unvalidatedNames(state: CloudState, { names }: Certificate): string[] {
    const records = publicRecords(state).filter(({ type }) => type === "CNAME");
    const withoutDot = (value: string) => value.replace(/\.$/, "");
    return names.filter((name) => {
        const wanted = validationRecord(name);
        return !records.some((one) => one.name === wanted.name && one.values.map(withoutDot).includes(wanted.value));
    });
}

function isImport(inputs: Values): boolean {
    return inputs.privateKey !== undefined;
}

function requestedFrom(arn: string, inputs: Values): Certificate {
    const domain = text(inputs, "domainName");
    const names = [...new Set([domain, ...((inputs.subjectAlternativeNames as string[] | undefined) ?? [])])];
    if (domain.length > LONGEST_COMMON_NAME) {
        throw new ApiError(
            "InvalidDomainValidationOptionsException",
            `The first domain name can be no longer than ${LONGEST_COMMON_NAME} characters.`,
        );
    }
    if (names.length > MOST_NAMES) {
        throw new ApiError(
            "LimitExceededException",
            `Cannot request more than ${MOST_NAMES} domain names in a certificate.`,
        );
    }
    return { arn, names, keyAlgorithm: optionalText(inputs, "keyAlgorithm") ?? "RSA_2048" };
}

function importedFrom(arn: string, inputs: Values): Certificate {
    const [body, privateKey, chain] = [
        text(inputs, "certificateBody"),
        text(inputs, "privateKey"),
        optionalText(inputs, "certificateChain"),
    ];
    const wrong = (reason: string) => new ApiError("ValidationException", reason);
    if (body.split("-----BEGIN CERTIFICATE-----").length > 2) {
        throw wrong(
            "The certificate field contains more than one certificate. You can specify only one certificate in this field.",
        );
    }
    const leaf = parsed(body, () => wrong("The certificate field is not a PEM-encoded certificate."));
    const key = attempt(() => createPrivateKey(privateKey), wrong("The private key is not supported."));
    const keyAlgorithm = keyAlgorithmOf(key);
    if (!keyAlgorithm) throw wrong("The private key length is not supported for key algorithm.");
    if (!leaf.checkPrivateKey(key)) throw wrong("The private key does not match the certificate.");
    if (Date.parse(leaf.validTo) < Date.now()) throw wrong("The certificate is expired.");
    const issuer = chain && parsed(chain, () => wrong("The certificate chain is not a PEM-encoded certificate chain."));
    if (issuer && !leaf.checkIssued(issuer))
        throw wrong("Could not validate the certificate with the certificate chain.");
    const names = (leaf.subjectAltName ?? "").split(", ").flatMap((one) => /^DNS:(.*)$/.exec(one)?.[1] ?? []);
    if (names.length === 0) throw wrong("The certificate has no domain name.");
    return {
        ...{ arn, names, keyAlgorithm, issuedAt: new Date().toISOString() },
        imported: { body, privateKey, ...(chain !== undefined && { chain }) },
    };
}

function parsed(pem: string, wrong: () => ApiError): X509Certificate {
    return attempt(() => new X509Certificate(pem), wrong());
}

function attempt<T>(work: () => T, wrong: ApiError): T {
    try {
        return work();
    } catch {
        throw wrong;
    }
}

function describeCertificate(
    { arn, names, keyAlgorithm, issuedAt, imported: given }: Certificate,
    inputs: Values,
): Values {
    const leaf = given && new X509Certificate(given.body);
    const asked = inputs.subjectAlternativeNames as string[] | undefined;
    const records = given ? [] : names.map((name) => [name, validationRecord(name)] as const);
    return {
        ...{ arn, keyAlgorithm, domainName: names[0]! },
        // Certificate Manager adds the domain name, which the provider does not show as a change.
        subjectAlternativeNames: names.filter((name) => name !== names[0] || !asked || asked.includes(name)),
        validationMethod: given ? "NONE" : "DNS",
        type: given ? "IMPORTED" : "AMAZON_ISSUED",
        status: issuedAt ? "ISSUED" : "PENDING_VALIDATION",
        domainValidationOptions: records.map(([name, { name: record, value }]) => ({
            domainName: name,
            resourceRecordName: `${record}.`,
            resourceRecordType: "CNAME",
            resourceRecordValue: `${value}.`,
        })),
        notBefore: leaf ? new Date(leaf.validFrom).toISOString() : (issuedAt ?? ""),
        notAfter: leaf ? new Date(leaf.validTo).toISOString() : "",
        ...{ pendingRenewal: false, renewalEligibility: "INELIGIBLE", renewalSummaries: [], validationEmails: [] },
    };
}

function checkCertificate(inputs: Values): CheckFailure[] {
    const has = (name: string) => (inputs[name] ?? null) !== null;
    const provider = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (has("domainName") === has("privateKey")) {
        return [
            { property: "", reason: '"domain_name,private_key": one of `domain_name,private_key` must be specified' },
        ];
    }
    const conflicting = has("domainName") ? IMPORT : REQUEST;
    const owner = has("domainName") ? "domain_name" : "private_key";
    const failures = conflicting
        .filter(has)
        .map((property) => ({ property, reason: `"${provider(property)}": conflicts with ${owner}` }));
    if (has("domainName") && !has("validationMethod")) {
        const reason =
            "`certificate_authority_arn` or `validation_method` must be set when creating an ACM certificate";
        failures.push({ property: "validationMethod", reason });
    }
    if (has("privateKey") && !has("certificateBody")) {
        failures.push({ property: "certificateBody", reason: "Certificate must not be empty" });
    }
    return failures;
}

function noFinalDot(value: string): string | undefined {
    return value.endsWith(".") ? `invalid value for domain_name (cannot end with a period): ${value}` : undefined;
}
