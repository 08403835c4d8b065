import { describe, expect, test } from "vitest";
import { expectGolden } from "./golden.ts";
import { LONG_NAME, TIER_VALUES } from "./tier-settings.ts";
import { BASTION, LOGIN, OTHER, OWN_LOGIN, RSA_LINE } from "./keys.ts";
import { CONFIG, runProgram } from "./program.ts";
import { REFUSED_LOOKUPS } from "./refused-lookups.ts";
import { ownPairs } from "./own-pairs.ts";
import { GOOD, problems } from "./problems.ts";
import { lookUp } from "../../components/cloud/lookups/lookups.ts";
import { parseSettings } from "../../components/settings/load.ts";
import { LINKMESH_FILES_FOLDER } from "../../components/settings/schema/linkmesh.ts";
import { SETTINGS } from "../../components/settings/settings.ts";

const OWN_CA = "https://acme.example.com/directory";

const refusals = (values: Record<string, unknown>) => problems({ ...GOOD, ...values });

const { own, pair } = ownPairs();
/** The good one, with this in place of its chain. */
const chained = (...pems: string[]) => ({ ...pair(own.good), tlsCertificate: [own.good.cert, ...pems].join("\n") });
const bolt = (boltPath: string) => ({ linkmeshConfig: { storage: { boltPath } } });

const AGENT = {
    ...{ sessionManager: true, ssmAgentDebUrl: "https://s3.example.com/agent.deb", ssmAgentDebSha256: "0".repeat(64) },
};
const eightTags = () => Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`tag-${i}`, "x"]));
const topics = (count: number) =>
    Array.from({ length: count }, (_, i) => `arn:aws:sns:us-east-1:123456789012:ops-${i}`);

/** Settings of one machine, each with what makes it valid there. */
const OF_ONE_MACHINE_ALONE = {
    grpcDomain: { grpcDomain: "grpc.example.com" },
    trustedProxies: { trustedProxies: ["203.0.113.0/24"] },
    dataVolumeSize: { dataVolumeSize: 20 },
    linkmeshDataPaths: { linkmeshDataPaths: ["/opt/lm"] },
    dailySnapshots: { dailySnapshots: 7 },
    finalSnapshot: { finalSnapshot: true },
    restoreFrom: { restoreFrom: "latest" },
    acmeDirectory: { acmeDirectory: "production" },
    acmeEmail: { acmeEmail: "a@example.com" },
    acmeChallenge: { acmeChallenge: "dns-01" },
    availabilityZone: { availabilityZone: "eu-central-1a" },
    subnetId: { subnetId: "subnet-0a" },
    publicAddress: { publicAddress: false },
    alarms: { alarms: ["a@example.com"] },
};

/** Combinations that are refused. This file writes docs/rules.md from them. */
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
    ["`nodes` without MongoDB", () => ({ ...TIER_VALUES, linkmeshConfig: {} })],
    ["`nodes` with BoltDB", () => ({ ...TIER_VALUES, linkmeshConfig: { storage: { backend: "bolt" } } })],
    ["`nodes` without the shared secret", () => ({ ...TIER_VALUES, linkmeshEnvironment: {} })],
    ...Object.entries(OF_ONE_MACHINE_ALONE).map(([name, values]): [string, () => Record<string, unknown>] => [
        `\`${name}\` with several \`nodes\``,
        () => ({ ...TIER_VALUES, ...values }),
    ]),
    ["a `domain` of 65 characters with several `nodes`", () => ({ ...TIER_VALUES, domain: LONG_NAME })],
    ["`caaIssuer` of another authority with several `nodes`", () => ({ ...TIER_VALUES, caaIssuer: "letsencrypt.org" })],
    ["more `nodes` than addresses of `vpcCidr`", () => ({ ...TIER_VALUES, vpcCidr: "10.77.0.0/25", nodes: 28 })],
    [
        "several `nodes` in a `vpcCidr` without room for three subnets",
        () => ({ ...TIER_VALUES, vpcCidr: "10.77.0.0/27" }),
    ],
    ["`subnetIds` with one of them twice", () => ({ ...TIER_VALUES, subnetIds: ["subnet-0a", "subnet-0a"] })],
    ["`subnetIds` with one of `nodes`", () => ({ subnetIds: ["subnet-0a"] })],
    ["`drainSeconds` with one of `nodes`", () => ({ drainSeconds: 120 })],
    ["`sshAllowedCidrs` with IPv6 only", () => ({ sshAllowedCidrs: ["2001:db8::/64"] })],
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
    ["`ssmAgentDebUrl` without `ssmAgentDebSha256`", () => ({ ...AGENT, ssmAgentDebSha256: "" })],
    ["`ssmAgentDebUrl` with `sessionManager` false", () => ({ ...AGENT, sessionManager: false })],
    ["9 `tags` with `alarms`", () => ({ alarms: ["a@example.com"], tags: { ...eightTags(), team: "x" } })],
    ["a receiver twice in `alarms`", () => ({ alarms: ["a@example.com", "a@example.com"] })],
    ["four topics of one region in `alarms`", () => ({ alarms: topics(4) })],
    ["`trustedProxies` of all addresses", () => ({ trustedProxies: ["0.0.0.0/0"] })],
    ["the broadcast address in `trustedProxies`", () => ({ trustedProxies: ["255.255.255.255/32"] })],
    ["a network twice in a list", () => ({ httpsAllowedCidrs: ["2001:db8:a::/48", "2001:0DB8:A:0::/48"] })],
    ["one of the bastion's settings without the others", () => ({ bastionHost: "bastion.example.com" })],
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
        "`caaAccountUri` with `tlsCertificate`",
        () => ({ caaIssuer: "letsencrypt.org", caaAccountUri: "https://acme.example.com/acct/1", ...pair(own.good) }),
    ],
    ["`acmeEabKeyId` without `acmeEabHmacKey`", () => ({ acmeDirectory: OWN_CA, acmeEabKeyId: "kid-1" })],
    [
        "`acmeEabKeyId` with Let's Encrypt",
        () => ({ acmeDirectory: "production", acmeEabKeyId: "kid-1", acmeEabHmacKey: "aGVsbG8" }),
    ],
    [
        "`acmeCaBundle` that holds no certificate",
        () => ({ acmeDirectory: OWN_CA, acmeCaBundle: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" }),
    ],
    ["`tags` that differ only in case", () => ({ tags: { Team: "a", team: "b" } })],
    ["`tags` with Name", () => ({ tags: { name: "a" } })],
    ["`httpRedirect` false with http-01", () => ({ httpRedirect: false })],
    ["`publicAddress` false with http-01 and Let's Encrypt", () => ({ publicAddress: false, subnetId: "subnet-0abc" })],
    [
        "`acmeEabKeyId` with the URL of Let's Encrypt",
        () => ({
            acmeDirectory: "https://acme-v02.api.letsencrypt.org/directory",
            ...{ acmeEabKeyId: "kid", acmeEabHmacKey: "aGVsbG8" },
        }),
    ],
    ["a wildcard with http-01", () => ({ certificateNames: ["*.example.com"] })],
    ["`certificateNames` without the domain", () => ({ certificateNames: ["other.example.com"] })],
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
    [
        "a name twice in `certificateNames`",
        () => ({ certificateNames: ["linkmesh.example.com", "linkmesh.example.com"] }),
    ],
    ["`linkmeshConfig` with a database outside `linkmeshDataPaths`", () => bolt("/opt/lm/state.db")],
    [
        "`linkmeshConfig` with a path of a file that `linkmeshFiles` lacks",
        () => ({
            linkmeshFiles: { "ca.pem": "x" },
            linkmeshConfig: { tls: { ca: `${LINKMESH_FILES_FOLDER}/ca.pem`, key: `${LINKMESH_FILES_FOLDER}/key.pem` } },
        }),
    ],
    [
        "`linkmeshEnvironment` with a path of a file that `linkmeshFiles` lacks",
        () => ({
            linkmeshEnvironment: {
                CA: "/etc/ca.pem",
                MONGODB_URI: "mongodb://a/?ca=%2Fetc%2Flinkmesh-proxy%2Ffiles%2Fca",
            },
        }),
    ],
    ["`tlsCertificate` without `tlsPrivateKey`", () => ({ tlsCertificate: own.good.cert })],
    ["`tlsPrivateKey` of another certificate", () => pair(own.good, own.other)],
    ["`tlsCertificate` for other names", () => pair(own.elsewhere)],
    ["`tlsCertificate` without `uiDomain`", () => ({ ...pair(own.good), uiDomain: "ui.example.com" })],
    ["`tlsCertificate` that has expired", () => pair(own.ended)],
    [
        "`tlsCertificate` that is not a certificate",
        () => ({ ...pair(own.good), tlsCertificate: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" }),
    ],
    ["`tlsCertificate` without its chain", () => chained()],
    ["`tlsCertificate` followed by an unrelated certificate", () => chained(own.elsewhere.cert)],
    ["`tlsCertificate` with the root in the middle", () => chained(own.root.pem, own.ca.pem)],
    ["`tlsCertificate` with a truncated chain", () => chained(own.ca.pem.slice(0, 200))],
    ["`tlsCertificate` that contains the private key", () => chained(own.ca.pem, own.good.key)],
    [
        "`tlsCertificate` with a key that the load balancer of several `nodes` does not serve",
        () => ({ ...TIER_VALUES, ...pair(own.ed25519) }),
    ],
    [
        "`tlsPrivateKey` that is damaged",
        () => ({ ...pair(own.good), tlsPrivateKey: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----" }),
    ],
    ["`tlsCertificate` with dns-01", () => ({ ...pair(own.good), acmeChallenge: "dns-01" })],
    [
        "`tlsCertificate` with `certificateNames`",
        () => ({ ...pair(own.good), certificateNames: ["linkmesh.example.com"] }),
    ],
];

describe("combinations that do not", () => {
    test.each(REFUSED)("%s: one error that says what to do", (_, values) => {
        const found = refusals(values());
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(/^[a-zA-Z].*(\. [A-Z]|: ).*\.$/);
    });

    // What only the lookups show to be wrong, still before anything is created.
    const sentences: string[] = [];
    test.each(REFUSED_LOOKUPS)(
        "%s: an error that names the setting and says what to do",
        async (what, config, volumeZone) => {
            const refused = await runProgram({ ...CONFIG, ...config }, { volumeZone }).then(
                () => "nothing",
                (error: unknown) => (error as Error).message,
            );
            takeDown(what, refused);
        },
    );

    test("a component's name too long for a load balancer: an error that says what to do", async () => {
        const refused = await lookUp("linkmesh-in-ohio", parseSettings({ ...GOOD, ...TIER_VALUES })).then(
            () => "nothing",
            (error: unknown) => (error as Error).message,
        );
        takeDown("several `nodes` of a component whose name is too long", refused);
    });

    function takeDown(what: string, refused: string): void {
        expect(refused).toMatch(/^[a-zA-Z.]+:? .*\. [A-Z].*\.$/);
        expect(Object.keys(SETTINGS).filter((name) => refused.includes(name))).not.toEqual([]);
        sentences.push(`| ${what} | ${refused} |`);
    }

    test("docs/rules.md lists them with their messages", async () => {
        const rows = REFUSED.map(([what, values]) => `| ${what} | ${stable(refusals(values()).join(" "))} |`);
        const text = [
            "# Settings that do not go together",
            "",
            "Before anything is created, `pulumi preview` and `up` refuse these combinations with these errors. Other errors concern one",
            "setting only, such as a wrong path. `npm run generate` writes this page.",
            "",
            "## Settings with each other",
            "",
            "| combination | error |",
            "| --- | --- |",
            ...rows,
            "",
            "## Settings with what AWS has",
            "",
            "| combination | error |",
            "| --- | --- |",
            ...sentences,
            "",
        ];
        await expectGolden(text.join("\n"), "../../docs/rules.md");
    });
});

test.each<[string, unknown, string]>([
    ["in a key", { [`${LINKMESH_FILES_FOLDER}/a`]: true }, "a"],
    ["after a line's end", [`x\n${LINKMESH_FILES_FOLDER}/a`], "a"],
    ["twice", { x: `${LINKMESH_FILES_FOLDER}/a and ${LINKMESH_FILES_FOLDER}/a.` }, "a"],
    ["encoded, in a URL in a URL", { x: `?a=${encodeURIComponent(`b=${LINKMESH_FILES_FOLDER}/a@b&c`)}` }, "a@b"],
    ["in a URL of a file", { x: `file://${LINKMESH_FILES_FOLDER}/a` }, "a"],
    ["with a name that no file may have", { x: `${LINKMESH_FILES_FOLDER}/.a` }, ".a"],
])("a path of a missing file in linkmeshConfig %s is refused once", (_, x, name) => {
    expect(refusals({ linkmeshConfig: { x } })).toEqual([
        `linkmeshConfig names ${LINKMESH_FILES_FOLDER}/${name}, which linkmeshFiles lacks. Add it to linkmeshFiles, or correct the path.`,
    ]);
});

/** One error holds a date. */
function stable(sentence: string): string {
    return sentence.replace(/expired on .* GMT\./, "expired on DATE.");
}
