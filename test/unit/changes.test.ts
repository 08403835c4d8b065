import { beforeAll, describe, expect, test } from "vitest";
import { EFFECTS } from "../../components/settings/schema/setting.ts";
import { SETTINGS, type Setting, type SettingName } from "../../components/settings/settings.ts";
import { TestCa } from "../host/test-ca.ts";
import { effectsOf } from "./changes.ts";
import { BASTION, LOGIN, OWN_LOGIN } from "./keys.ts";
import { CONFIG } from "./program.ts";
import { TIER } from "./tier-settings.ts";

type Values = Record<string, string>;

/** What is set before and after, and what is set after. By default the example is set, and nothing was. */
interface Case {
    with?: Values;
    after?: Values;
}

const OWN_CA = "https://acme.example.com/directory";
const APT = {
    linkmeshDebUrl: "",
    linkmeshDebSha256: "",
    linkmeshAptSource: "https://apt.example.com/debian stable main",
    linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----",
    linkmeshVersion: "1.101.0",
};
const EAB = { acmeEabKeyId: "kid-0", acmeEabHmacKey: "aGVsbG8" };
const AGENT = {
    sessionManager: "true",
    ssmAgentDebUrl: "https://s3.example.com/amazon-ssm-agent.deb",
    ssmAgentDebSha256: "0".repeat(64),
};
const DNS_01 = { acmeChallenge: "dns-01" };
const SUBNET = { subnetId: "subnet-0aaaa" };

let ca: string;
let own: Values;
let renewed: Values;

beforeAll(async () => {
    const root = await TestCa.create("CN=own");
    const issue = async () => {
        const { cert, key } = await root.issue(["linkmesh.example.com"]);
        return { tlsCertificate: `${cert}\n${root.pem}`, tlsPrivateKey: key };
    };
    [own, renewed] = [await issue(), await issue()];
    ca = root.pem;
});

/** Of settings whose example needs others beside it, is shortened, or is what the stack has already. */
const CASES: Partial<Record<SettingName, () => Case[]>> = {
    domain: () => [{ after: { domain: "other.example.com" } }],
    grpcDomain: () => [{ after: { grpcDomain: "grpc.example.com" } }],
    // A zone below that of the setting's.
    hostedZone: () => [{ with: { domain: "linkmesh.dev.example.com" } }],
    caaAccountUri: () => [{ with: { caaIssuer: "letsencrypt.org" } }],
    acmeCaBundle: () => [{ with: { acmeDirectory: OWN_CA }, after: { acmeCaBundle: ca } }],
    acmeEabKeyId: () => [{ with: { acmeDirectory: OWN_CA, ...EAB } }],
    acmeEabHmacKey: () => [{ with: { acmeDirectory: OWN_CA, ...EAB } }],
    certificateNames: () => [{ with: DNS_01 }],
    tlsCertificate: () => [{ after: own }, { with: own, after: renewed }],
    tlsPrivateKey: () => [{ after: own }, { with: own, after: renewed }],
    httpRedirect: () => [{ with: DNS_01 }],
    sshPublicKey: () => [{ after: OWN_LOGIN }],
    // The same key in another format, because another key needs another public key as well.
    sshPrivateKey: () => [{ with: OWN_LOGIN, after: { sshPrivateKey: LOGIN.privateKeyPem } }],
    bastionHost: () => [{ after: BASTION }],
    bastionUser: () => [{ with: BASTION }],
    bastionHostKey: () => [{ with: BASTION, after: { bastionHostKey: LOGIN.publicKeyOpenssh.trim() } }],
    bastionPrivateKey: () => [{ with: BASTION, after: { bastionPrivateKey: LOGIN.privateKeyOpenssh } }],
    sessionManager: () => [{ after: AGENT }],
    ssmAgentDebUrl: () => [{ with: AGENT }],
    ssmAgentDebSha256: () => [{ with: AGENT }],
    instanceType: () => [{ after: { instanceType: "t3.medium" } }],
    imageId: () => [{ after: { imageId: "ami-0large" } }],
    availabilityZone: () => [{ after: { availabilityZone: "eu-central-1c" } }],
    subnetId: () => [{ after: SUBNET }],
    publicAddress: () => [{ with: { ...SUBNET, ...DNS_01 } }],
    // From one machine on, the data volume goes, which is no change of a setting alone.
    nodes: () => [{ with: TIER, after: { nodes: "4" } }],
    subnetIds: () => [{ with: TIER, after: { subnetIds: '["subnet-0a0a","subnet-0b0b"]' } }],
    drainSeconds: () => [{ with: TIER, after: { drainSeconds: "120" } }],
    restoreFrom: () => [{ with: { dataVolumeSize: "20" } }],
    linkmeshDebUrl: () => [{ after: { linkmeshDebUrl: "https://mirror.example.com/linkmesh-server.deb" } }],
    linkmeshDebSha256: () => [{ after: { linkmeshDebSha256: "0".repeat(64) } }],
    linkmeshAptSource: () => [
        { after: APT },
        { with: APT, after: { linkmeshAptSource: "https://mirror.example.com/debian stable main" } },
    ],
    linkmeshAptKey: () => [{ with: APT, after: { linkmeshAptKey: APT.linkmeshAptKey.replace("m", "n") } }],
    linkmeshVersion: () => [{ with: APT, after: { linkmeshVersion: "1.102.0" } }],
};

test("LinkMesh restarts also without a file that is no longer set", async () => {
    const files = (names: object) => ({ ...CONFIG, linkmeshFiles: JSON.stringify(names) });
    expect(await effectsOf(files({ a: "x" }), files({}))).toEqual(["LinkMesh restarts"]);
});

describe("the effect of a change of a setting is the one in its row", () => {
    test.each(Object.keys(SETTINGS) as SettingName[])("%s", async (name) => {
        const { example, change }: Setting = SETTINGS[name];
        const found = new Set<string>();
        for (const { with: others = {}, after = { [name]: example } } of CASES[name]?.() ?? [{}]) {
            const config = { ...CONFIG, ...others };
            for (const effect of await effectsOf(config, { ...config, ...after })) found.add(effect);
        }
        expect(EFFECTS.filter((effect) => found.has(effect))).toEqual(change);
    });
});
