import { beforeAll, describe, expect, test } from "vitest";
import { TestCa, type Pair } from "../host/test-ca.ts";
import { expectGolden } from "./golden.ts";
import { BASTION, LOGIN, OTHER, OWN_LOGIN, RSA_LINE } from "./keys.ts";
import { CONFIG, runProgram } from "./program.ts";
import { REFUSED_LOOKUPS } from "./refused-lookups.ts";
import { GOOD, problems } from "./problems.ts";

const OWN_CA = "https://acme.example.com/directory";

const refusals = (values: Record<string, unknown>) => problems({ ...GOOD, ...values });

let own: Record<"good" | "other" | "ended" | "elsewhere", Pair>;
let ca: TestCa;
let root: TestCa;
beforeAll(async () => {
    root = await TestCa.create("CN=a root of one's own");
    ca = await TestCa.create("CN=a CA of one's own", root);
    own = {
        good: await ca.issue(["linkmesh.example.com"]),
        other: await ca.issue(["linkmesh.example.com"]),
        ended: await ca.issue(["linkmesh.example.com"], { from: -20, to: -10 }),
        elsewhere: await ca.issue(["elsewhere.example.com"]),
    };
});
const pair = (cert: Pair, key = cert) => ({ tlsCertificate: `${cert.cert}\n${ca.pem}`, tlsPrivateKey: key.key });
/** The good one, with this in place of its chain. */
const chained = (...pems: string[]) => ({ ...pair(own.good), tlsCertificate: [own.good.cert, ...pems].join("\n") });
const bolt = (boltPath: string) => ({ linkmeshConfig: { storage: { boltPath } } });

describe("combinations that make sense", () => {
    test.each<[string, () => Record<string, unknown>]>([
        ["gRPC on port 443", () => ({ grpcDomain: "grpc.example.com" })],
        ["gRPC on port 443 and a UI name", () => ({ grpcDomain: "grpc.example.com", uiDomain: "ui.example.com" })],
        ["gRPC off, port 443 for some networks", () => ({ grpc: false, httpsAllowedCidrs: ["10.0.0.0/8"] })],
        ["a wildcard by DNS", () => ({ acmeChallenge: "dns-01", certificateNames: ["*.example.com"] })],
        ["DNS and no port 80", () => ({ acmeChallenge: "dns-01", httpRedirect: false })],
        ["another authority", () => ({ acmeDirectory: OWN_CA, acmeEabKeyId: "kid", acmeEabHmacKey: "aGVsbG8" })],
        ["a certificate of one's own, no port 80", () => ({ ...pair(own.good), httpRedirect: false })],
        [
            "a private network, and its own authority there",
            () => ({ publicAddress: false, subnetId: "subnet-0abc", acmeDirectory: OWN_CA }),
        ],
        ["the database at another place on the data volume", () => bolt("/data/linkmesh/./other/state.db")],
        [
            "the database in a directory that is placed on the data volume",
            () => ({ ...bolt("/opt/lm/state.db"), linkmeshDataPaths: ["/opt/lm"] }),
        ],
        ["names elsewhere with CAA", () => ({ dns: "external", caaIssuer: "letsencrypt.org" })],
        ["hops before the machine, and gRPC beside", () => ({ trustedProxies: ["203.0.113.0/24"] })],
        ["a bastion", () => BASTION],
    ])("%s", (_, values) => expect(refusals(values())).toEqual([]));
});

/** What is set, and the sentence that refuses it. All of them are listed in docs/rules.md, which this file writes. */
const REFUSED: [what: string, values: () => Record<string, unknown>][] = [
    ["`grpcDomain` equal to `domain`", () => ({ grpcDomain: "linkmesh.example.com" })],
    ["`uiDomain` equal to `grpcDomain`", () => ({ uiDomain: "a.example.com", grpcDomain: "a.example.com" })],
    ["`grpcDomain` with `grpc` false", () => ({ grpc: false, grpcDomain: "grpc.example.com" })],
    ["`grpcDomain` outside `hostedZone`", () => ({ hostedZone: "example.com", grpcDomain: "grpc.example.net" })],
    ["`grpcAllowedCidrs` with `grpc` false", () => ({ grpc: false, grpcAllowedCidrs: ["10.0.0.0/8"] })],
    [
        "`grpcAllowedCidrs` with `grpcDomain`",
        () => ({ grpcDomain: "grpc.example.com", grpcAllowedCidrs: ["10.0.0.0/8"] }),
    ],
    ["`bastionHostKey` of RSA", () => ({ ...BASTION, bastionHostKey: RSA_LINE })],
    ["`sshPublicKey` without `sshPrivateKey`", () => ({ sshPublicKey: OWN_LOGIN.sshPublicKey })],
    [
        "`sshPrivateKey` of another key",
        () => ({ sshPublicKey: LOGIN.publicKeyOpenssh, sshPrivateKey: OTHER.privateKeyOpenssh }),
    ],
    [
        "`trustedProxies` with `grpcDomain`",
        () => ({ grpcDomain: "grpc.example.com", trustedProxies: ["203.0.113.0/24"] }),
    ],
    ["`sshAllowedCidrs` of IPv6 alone", () => ({ sshAllowedCidrs: ["2001:db8::/64"] })],
    [
        "`tags` with a key that the scheduler of `dailySnapshots` refuses",
        () => ({ dailySnapshots: 7, tags: { "Cost Center": "42" } }),
    ],
    [
        "45 `tags` with `dailySnapshots`",
        () => ({
            dailySnapshots: 7,
            tags: Object.fromEntries(Array.from({ length: 45 }, (_, i) => [`tag-${i}`, "x"])),
        }),
    ],
    ["`trustedProxies` of all addresses", () => ({ trustedProxies: ["0.0.0.0/0"] })],
    ["a network twice", () => ({ httpsAllowedCidrs: ["2001:db8:a::/48", "2001:0DB8:A:0::/48"] })],
    ["a part of the bastion", () => ({ bastionHost: "bastion.example.com" })],
    ["`publicAddress` false without `subnetId`", () => ({ publicAddress: false, acmeChallenge: "dns-01" })],
    ["`dns` external with `hostedZone`", () => ({ dns: "external", hostedZone: "example.com" })],
    ["`dns` external with `dnsAllowOverwrite`", () => ({ dns: "external", dnsAllowOverwrite: true })],
    ["`dns` external with dns-01", () => ({ dns: "external", acmeChallenge: "dns-01" })],
    ["`caaAccountUri` without `caaIssuer`", () => ({ caaAccountUri: "https://acme.example.com/acct/1" })],
    ["`caaIssuer` of another authority", () => ({ caaIssuer: "pki.example.com" })],
    [
        "`caaIssuer` with a wildcard",
        () => ({ caaIssuer: "letsencrypt.org", acmeChallenge: "dns-01", certificateNames: ["*.example.com"] }),
    ],
    [
        "`caaAccountUri` with a certificate of one's own",
        () => ({ caaIssuer: "letsencrypt.org", caaAccountUri: "https://acme.example.com/acct/1", ...pair(own.good) }),
    ],
    ["a part of the external account binding", () => ({ acmeDirectory: OWN_CA, acmeEabKeyId: "kid-1" })],
    [
        "an external account binding with Let's Encrypt",
        () => ({ acmeDirectory: "production", acmeEabKeyId: "kid-1", acmeEabHmacKey: "aGVsbG8" }),
    ],
    [
        "`acmeCaBundle` that is none",
        () => ({ acmeDirectory: OWN_CA, acmeCaBundle: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" }),
    ],
    ["`tags` that differ in case alone", () => ({ tags: { Team: "a", team: "b" } })],
    ["`tags` with Name", () => ({ tags: { name: "a" } })],
    ["`httpRedirect` false with http-01", () => ({ httpRedirect: false })],
    ["`publicAddress` false with http-01 of Let's Encrypt", () => ({ publicAddress: false, subnetId: "subnet-0abc" })],
    [
        "Let's Encrypt by its URL with a binding",
        () => ({
            acmeDirectory: "https://acme-v02.api.letsencrypt.org/directory",
            ...{ acmeEabKeyId: "kid", acmeEabHmacKey: "aGVsbG8" },
        }),
    ],
    ["a wildcard with http-01", () => ({ certificateNames: ["*.example.com"] })],
    ["`certificateNames` that lack the domain", () => ({ certificateNames: ["other.example.com"] })],
    [
        "`certificateNames` with a name and its wildcard",
        () => ({ acmeChallenge: "dns-01", certificateNames: ["*.example.com", "linkmesh.example.com"] }),
    ],
    [
        "`certificateNames` with another name and http-01",
        () => ({ certificateNames: ["linkmesh.example.com", "other.example.com"] }),
    ],
    [
        "`certificateNames` outside `hostedZone` with dns-01",
        () => ({
            acmeChallenge: "dns-01",
            hostedZone: "example.com",
            certificateNames: ["linkmesh.example.com", "a.example.net"],
        }),
    ],
    ["`certificateNames` twice", () => ({ certificateNames: ["linkmesh.example.com", "linkmesh.example.com"] })],
    ["`linkmeshConfig` with a database outside of `linkmeshDataPaths`", () => bolt("/opt/lm/state.db")],
    ["`tlsCertificate` without `tlsPrivateKey`", () => ({ tlsCertificate: own.good.cert })],
    ["`tlsPrivateKey` of another certificate", () => pair(own.good, own.other)],
    ["`tlsCertificate` for other names", () => pair(own.elsewhere)],
    ["`tlsCertificate` that lacks `uiDomain`", () => ({ ...pair(own.good), uiDomain: "ui.example.com" })],
    ["`tlsCertificate` that has ended", () => pair(own.ended)],
    [
        "`tlsCertificate` that is none",
        () => ({ ...pair(own.good), tlsCertificate: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" }),
    ],
    ["`tlsCertificate` without its chain", () => chained()],
    ["`tlsCertificate` with another's certificate behind it", () => chained(own.elsewhere.cert)],
    ["`tlsCertificate` with the root in the middle", () => chained(root.pem, ca.pem)],
    ["`tlsCertificate` whose chain is cut short", () => chained(ca.pem.slice(0, 200))],
    ["`tlsCertificate` that holds its private key", () => chained(ca.pem, own.good.key)],
    [
        "`tlsPrivateKey` that is none",
        () => ({ ...pair(own.good), tlsPrivateKey: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----" }),
    ],
    ["`tlsCertificate` with dns-01", () => ({ ...pair(own.good), acmeChallenge: "dns-01" })],
    [
        "`tlsCertificate` with `certificateNames`",
        () => ({ ...pair(own.good), certificateNames: ["linkmesh.example.com"] }),
    ],
];

describe("combinations that do not", () => {
    test.each(REFUSED)("%s: one sentence", (_, values) => {
        const found = refusals(values());
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(/^[a-zA-Z].*[:,] .*\.$/);
    });

    // What looks wrong only beside what the cloud has, before anything is created all the same.
    const sentences: string[] = [];
    test.each(REFUSED_LOOKUPS)("%s: one sentence that names the setting", async (what, config, volumeZone) => {
        const refused = await runProgram({ ...CONFIG, ...config }, { volumeZone }).then(
            () => "nothing",
            (error: unknown) => (error as Error).message,
        );
        expect(refused).toMatch(/^[a-zA-Z.]+(:| names| lies) .*\.$/);
        sentences.push(`| ${what} | ${refused} |`);
    });

    test("docs/rules.md lists them with their messages", async () => {
        const rows = REFUSED.map(([what, values]) => `| ${what} | ${stable(refusals(values()).join(" "))} |`);
        const text = [
            "# Combinations of settings that are refused",
            "",
            "Each before anything is created, with this sentence; wrong packages, key pairs and paths have theirs besides. `npm run generate` writes this list.",
            "",
            "| set | what it says |",
            "| --- | --- |",
            ...rows,
            "",
            "And what does not fit the cloud, as the look-up of it tells:",
            "",
            "| set | what it says |",
            "| --- | --- |",
            ...sentences,
            "",
        ];
        await expectGolden(text.join("\n"), "../../docs/rules.md");
    });
});

/** The one sentence that holds a date. */
function stable(sentence: string): string {
    return sentence.replace(/ended on .* GMT:/, "ended on DATE:");
}
