import { beforeEach, expect, it } from "vitest";
import { recordKey } from "../../lab/cloud/records.ts";
import type { DnsRecord } from "../../lab/cloud/state.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCa } from "../host/test-ca.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

const request = (more: Values = {}) =>
    cloud.make("Certificate", { domainName: "a.example.test", validationMethod: "DNS", ...more });

type Option = Record<"domainName" | "resourceRecordName" | "resourceRecordValue", string>;
const options = ({ outputs }: Made) => outputs.domainValidationOptions as unknown as Option[];
const makeRecord = ({ resourceRecordName: name, resourceRecordValue: value }: Option) =>
    cloud.make("Record", { zoneId: "Z0LABEXAMPLETEST", name, type: "CNAME", ttl: 60, records: [value] });

it("a requested certificate is pending until the record of each name exists", async () => {
    const certificate = await request({ subjectAlternativeNames: ["b.example.test", "*.b.example.test"] });
    expect(certificate.outputs).toMatchObject({ status: "PENDING_VALIDATION", type: "AMAZON_ISSUED" });
    expect((await cloud.read(certificate))?.inputs).toEqual(certificate.inputs);
    const [a, b, wildcard] = options(certificate);
    expect([a!.domainName, b!.domainName, wildcard!.domainName]).toEqual([
        ...["a.example.test", "b.example.test", "*.b.example.test"],
    ]);
    expect(wildcard!.resourceRecordName).toBe(b!.resourceRecordName);
    await makeRecord(a!);
    const validation = cloud.make("CertificateValidation", { certificateArn: certificate.id });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await cloud.read(certificate))?.outputs.status).toBe("PENDING_VALIDATION");
    await makeRecord(b!);
    const made = await validation;
    expect((await cloud.read(certificate))?.outputs.status).toBe("ISSUED");
    expect(await cloud.read(made)).toBeDefined();
});

it("names after the first may be longer than 64 characters", async () => {
    const long = `${"a".repeat(52)}.example.test`;
    const { outputs } = await request({ subjectAlternativeNames: [long] });
    expect(outputs.subjectAlternativeNames).toEqual([long]);
});

it("the record may be at another DNS provider, and is the same for the next certificate of the name", async () => {
    const first = await request();
    const [{ resourceRecordName, resourceRecordValue }] = options(first) as [Option];
    const name = resourceRecordName.replace(/\.$/, "");
    const record: DnsRecord = { name, type: "CNAME", ttl: 60, values: [resourceRecordValue] };
    await cloud.store.change((state) => void (state.externalRecords[recordKey(record)] = record));
    await cloud.make("CertificateValidation", { certificateArn: first.id });
    const second = await request();
    expect(options(second)).toEqual(options(first));
    await cloud.make("CertificateValidation", { certificateArn: second.id });
});

it("a validation names the record that it was not given", async () => {
    const certificate = await request({ subjectAlternativeNames: ["b.example.test"] });
    const [a, b] = options(certificate);
    for (const option of [a!, b!]) await makeRecord(option);
    const given = { certificateArn: certificate.id, validationRecordFqdns: [a!.resourceRecordName] };
    await expect(cloud.make("CertificateValidation", given)).rejects.toThrow(
        `missing b.example.test DNS validation record: ${b!.resourceRecordName.replace(/\.$/, "")}`,
    );
});

it("an imported certificate is issued at once, has no validation, and is imported again in place", async () => {
    const ca = await TestCa.create("CN=ca");
    const pair = async (name: string) => {
        const { cert, key } = await ca.issue([name]);
        return { certificateBody: cert, privateKey: key, certificateChain: ca.pem };
    };
    const certificate = await cloud.make("Certificate", await pair("a.example.test"));
    expect(certificate.outputs).toMatchObject({
        ...{ status: "ISSUED", type: "IMPORTED", domainName: "a.example.test", keyAlgorithm: "EC_prime256v1" },
        domainValidationOptions: [],
    });
    await expect(cloud.make("CertificateValidation", { certificateArn: certificate.id })).rejects.toThrow(
        "has type IMPORTED, no validation necessary",
    );
    const next = await pair("b.example.test");
    expect((await cloud.diff(certificate, next)).replaces).toEqual([]);
    expect((await cloud.update(certificate, next)).outputs).toMatchObject({
        arn: certificate.id,
        domainName: "b.example.test",
    });
});

it("a certificate with another kind of key is not imported into the same resource", async () => {
    const ca = await TestCa.create("CN=ca");
    const load = async (key?: 2048) => {
        const pair = await ca.issue(["a.example.test"], { key });
        return { certificateBody: pair.cert, privateKey: pair.key };
    };
    const made = await cloud.make("Certificate", await load());
    await expect(cloud.update(made, await load(2048))).rejects.toThrow(
        "has a key of RSA_2048, and the one that it replaces has EC_prime256v1",
    );
    expect((await cloud.read(made))?.outputs).toMatchObject({ keyAlgorithm: "EC_prime256v1" });
});

it("an import is refused as Certificate Manager does", async () => {
    const [ca, other] = [await TestCa.create("CN=ca"), await TestCa.create("CN=other")];
    const [good, twin] = [await ca.issue(["a.example.test"]), await ca.issue(["a.example.test"])];
    const old = await ca.issue(["a.example.test"], { from: -90, to: -1 });
    const load = (certificateBody: string, privateKey: string, certificateChain = ca.pem) =>
        cloud.make("Certificate", { certificateBody, privateKey, certificateChain });
    await expect(load(good.cert, twin.key)).rejects.toThrow("The private key does not match the certificate");
    await expect(load(good.cert + ca.pem, good.key)).rejects.toThrow("contains more than one certificate");
    await expect(load(good.cert, good.key, other.pem)).rejects.toThrow("Could not validate the certificate with the");
    await expect(load(old.cert, old.key)).rejects.toThrow("The certificate is expired");
    await expect(load("x", good.key)).rejects.toThrow("is not a PEM-encoded certificate");
});

it.each([
    ["P-521", "EC_secp521r1"],
    [4096, "RSA_4096"],
] as const)("a key of the kind %s is imported", async (key, keyAlgorithm) => {
    const { cert, key: privateKey } = await (await TestCa.create("CN=ca")).issue(["a.example.test"], { key });
    const made = await cloud.make("Certificate", { certificateBody: cert, privateKey });
    expect(made.outputs).toMatchObject({ keyAlgorithm });
});

it("Certificate Manager imports no key of Ed25519", async () => {
    const { cert, key } = await (await TestCa.create("CN=ca")).issue(["a.example.test"], { key: "Ed25519" });
    await expect(cloud.make("Certificate", { certificateBody: cert, privateKey: key })).rejects.toThrow(
        "The private key length is not supported for key algorithm",
    );
});

it.each<[what: string, error: string, inputs: Values]>([
    ["neither a name nor a key", "one of `domain_name,private_key` must be specified", {}],
    ["no validation method", "`validation_method` must be set", { domainName: "a.example.test" }],
    ["validation by mail", "is none of DNS", { domainName: "a.example.test", validationMethod: "EMAIL" }],
    ["a final dot", "invalid value for domain_name", { domainName: "a.example.test.", validationMethod: "DNS" }],
    [
        "a name and a body",
        "conflicts with domain_name",
        { domainName: "a.example.test", validationMethod: "DNS", certificateBody: "x" },
    ],
    ["a key without certificate", "Certificate must not be empty", { privateKey: "x" }],
    [
        "a first name of 65 characters",
        "InvalidDomainValidationOptionsException: The first domain name can be no longer than 64 characters",
        { domainName: `${"a".repeat(52)}.example.test`, validationMethod: "DNS" },
    ],
    [
        "11 names",
        "Cannot request more than 10 domain names",
        {
            domainName: "a.example.test",
            validationMethod: "DNS",
            subjectAlternativeNames: Array.from({ length: 10 }, (_, n) => `n${n}.example.test`),
        },
    ],
])("a certificate with %s is refused", async (_, error, inputs) => {
    await expect(cloud.make("Certificate", inputs)).rejects.toThrow(error);
});
