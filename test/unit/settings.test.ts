import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { acmeDirectoryUrl } from "../../components/host/certificate.ts";
import { readScript } from "../../components/host/render/script.ts";
import { LINKMESH_FILES_FOLDER } from "../../components/settings/schema/linkmesh.ts";
import { Secret } from "../../components/settings/secret.ts";
import { SETTINGS } from "../../components/settings/settings.ts";
import { loadSettings, parseSettings, SettingsError } from "../../components/settings/load.ts";
import { OWN_LOGIN } from "./keys.ts";
import { GOOD, problems } from "./problems.ts";

const APT = {
    linkmeshDebUrl: "",
    linkmeshDebSha256: "",
    linkmeshAptSource: "https://apt.example.com/debian stable main",
    linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    linkmeshVersion: "1.101.0",
};

/** A file for LinkMesh, and its path where LinkMesh can be told of it. */
const FILES = {
    linkmeshFiles: { "mongodb-ca.pem": "-----BEGIN CERTIFICATE-----", "git_key@2": 5 },
    linkmeshConfig: { git: { key: "/etc/linkmesh-proxy/files/git_key@2" } },
    linkmeshEnvironment: {
        PLAIN: "mongodb://db.example.com/?tlsCAFile=/etc/linkmesh-proxy/files/mongodb-ca.pem&tls=true",
        ENCODED: "mongodb://db.example.com/?tlsCAFile=%2Fetc%2flinkmesh-proxy%2Ffiles%2Fmongodb-ca.pem&tls=true",
    },
};

test("domain, SSH networks and a package are enough; the rest has the defaults of the table", () => {
    const settings = parseSettings(GOOD);
    for (const [name, { default: preset }] of Object.entries(SETTINGS) as [
        keyof typeof settings,
        { default?: unknown },
    ][]) {
        if (preset === undefined || name in GOOD) continue;
        const value: unknown = settings[name];
        if (value instanceof Secret)
            expect(
                value.test((text) => isDeepStrictEqual(text, preset)),
                name,
            ).toBe(true);
        else expect(value, name).toEqual(preset);
    }
});

test.each([
    ["198.51.100.7/32", ["198.51.100.7/32"]],
    ["198.51.100.7/32, 2001:db8::/64", ["198.51.100.7/32", "2001:db8::/64"]],
    [' ["198.51.100.7/32"]', ["198.51.100.7/32"]],
])("a list in the stack configuration is JSON or has commas: %s", (text, sshAllowedCidrs) => {
    const values = { ...GOOD, sshAllowedCidrs: text, trustedProxies: "", httpsAllowedCidrs: "null" };
    pulumi.runtime.setAllConfig(
        Object.fromEntries(Object.entries(values).map(([name, value]) => [`fleet:${name}`, value])),
    );
    expect(loadSettings("fleet")).toMatchObject({ sshAllowedCidrs, trustedProxies: [], httpsAllowedCidrs: [] });
});

test("text from the stack configuration becomes numbers and truth values", () => {
    expect(
        parseSettings({ ...GOOD, collectorsExpected: "50000", dnsAllowOverwrite: "true", dataVolumeSize: "20" }),
    ).toMatchObject({
        collectorsExpected: 50_000,
        dnsAllowOverwrite: true,
        dataVolumeSize: 20,
    });
});

test.each([
    ["staging", "https://acme-staging-v02.api.letsencrypt.org/directory"],
    ["production", "https://acme-v02.api.letsencrypt.org/directory"],
    ["https://acme.example.com/dir", "https://acme.example.com/dir"],
])("the ACME directory %s", (acmeDirectory, url) =>
    expect(acmeDirectoryUrl(parseSettings({ ...GOOD, acmeDirectory }))).toBe(url),
);

describe("accepted", () => {
    test.each<[string, Record<string, unknown>]>([
        ["a zone equal to the domain", { hostedZone: "linkmesh.example.com" }],
        ["a zone above", { hostedZone: "example.com" }],
        ["a contact", { acmeEmail: "platform@example.com" }],
        ["IPv6 networks too", { sshAllowedCidrs: ["198.51.100.7/32", "2001:db8::/64", "::1/128"] }],
        ["all networks, when said so", { sshAllowedCidrs: ["0.0.0.0/0", "::/0"] }],
        ["an APT source", APT],
        ["an APT source that is one directory", { ...APT, linkmeshAptSource: "https://apt.example.com/debian ./" }],
        ["a key of the user's", { ...OWN_LOGIN, sshPublicKey: `${OWN_LOGIN.sshPublicKey} me@example` }],
        [
            "further keys beside the managed ones",
            { linkmeshConfig: { grpc: { keepalive: 5 }, metrics: { enabled: true } } },
        ],
        ["numbers as environment entries", { linkmeshEnvironment: { N: 5 } }],
        ["files, and paths of them", FILES],
        ["the largest fleet", { collectorsExpected: 200_000 }],
    ])("%s", (_, values) => expect(problems({ ...GOOD, ...values })).toEqual([]));
});

describe("refused with one sentence that names the setting", () => {
    test.each<[string, Record<string, unknown>, RegExp]>([
        [
            "no domain",
            { domain: undefined },
            /^domain is missing. Set it with `pulumi config set domain VALUE` \(linkmesh\.example\.com\)\.$/,
        ],
        ["an empty domain", { domain: "" }, /^domain is missing/],
        ["a URL as domain", { domain: "https://linkmesh.example.com" }, /^domain must be a full hostname/],
        ["one label", { domain: "linkmesh" }, /^domain must be a full hostname/],
        ["shell text as domain", { domain: "a.example.com; reboot" }, /^domain must be/],
        ["an address as domain", { domain: "192.0.2.1" }, /^domain must be/],
        ["no networks", { sshAllowedCidrs: [] }, /^sshAllowedCidrs must name at least one network/],
        ["networks missing", { sshAllowedCidrs: undefined }, /^sshAllowedCidrs is missing/],
        ["text that is no list", { sshAllowedCidrs: "198.51.100.7" }, /^sshAllowedCidrs must be an array/],
        [
            "an address without length",
            { sshAllowedCidrs: ["198.51.100.7"] },
            /^sshAllowedCidrs must hold networks in CIDR form .* not "198\.51\.100\.7"/,
        ],
        [
            "host bits",
            { sshAllowedCidrs: ["198.51.100.7/24"] },
            /^sshAllowedCidrs must hold network addresses: "198\.51\.100\.7\/24" has host bits set/,
        ],
        ["host bits in IPv6", { sshAllowedCidrs: ["2001:db8::1/64"] }, /has host bits set/],
        [
            "a network twice",
            { sshAllowedCidrs: ["198.51.100.7/32", "198.51.100.7/32"] },
            /^sshAllowedCidrs holds a network twice/,
        ],
        ["a length too great", { sshAllowedCidrs: ["198.51.100.7/33"] }, /CIDR form/],
        ["no e-mail address", { acmeEmail: "platform" }, /^acmeEmail must be an e-mail address/],
        [
            "an unknown directory",
            { acmeDirectory: "prod" },
            /^acmeDirectory must be "staging", "production" or an https URL/,
        ],
        ["a directory in clear text", { acmeDirectory: "http://acme.example.com/dir" }, /^acmeDirectory must be/],
        [
            "a file name as CA bundle",
            { acmeCaBundle: "/etc/ca.pem" },
            /^acmeCaBundle must be text with a "-----BEGIN CERTIFICATE-----" block, not a file name/,
        ],
        [
            "half a key pair",
            { sshPublicKey: OWN_LOGIN.sshPublicKey },
            /^sshPublicKey and sshPrivateKey belong together/,
        ],
        [
            "a private key as public key",
            { ...OWN_LOGIN, sshPublicKey: OWN_LOGIN.sshPrivateKey },
            /^sshPublicKey must be one line/,
        ],
        [
            "a zone elsewhere",
            { hostedZone: "example.org" },
            /^domain linkmesh\.example\.com is not in hostedZone example\.org/,
        ],
        ["a zone that only ends alike", { hostedZone: "ample.com" }, /is not in hostedZone/],
        ["no package", { linkmeshDebUrl: "", linkmeshDebSha256: "" }, /^The LinkMesh package is missing/],
        ["two packages", { ...APT, linkmeshDebUrl: GOOD.linkmeshDebUrl }, /exclude each other/],
        ["no checksum", { linkmeshDebSha256: "" }, /^linkmeshDebSha256 is missing/],
        ["a short checksum", { linkmeshDebSha256: "abc" }, /^linkmeshDebSha256 must be 64 hexadecimal digits/],
        ["a source without key", { ...APT, linkmeshAptKey: "" }, /^linkmeshAptSource needs linkmeshAptKey/],
        ["a managed key", { linkmeshConfig: { grpc: { port: 1 } } }, /^linkmeshConfig holds grpc\.port/],
        ["a list as further keys", { linkmeshConfig: [] }, /^linkmeshConfig must be an object/],
        [
            "an entry of two lines",
            { linkmeshEnvironment: { A: "x\ny" } },
            /^linkmeshEnvironment\.A must be one line of text/,
        ],
        [
            "an entry's name with a dash",
            { linkmeshEnvironment: { "A-B": "x" } },
            /^linkmeshEnvironment must have names of letters/,
        ],
        ...[
            ["a path", "/etc/linkmesh/ca.pem"],
            ["a path out of its place", "../ca.pem"],
            ["a hidden one", ".ca.pem"],
        ].map(([what, name]): [string, Record<string, unknown>, RegExp] => [
            `${what} as a file's name`,
            { linkmeshFiles: { [name!]: "x" } },
            /^linkmeshFiles must have file names of letters, digits and \._@\+-, without a folder/,
        ]),
        ["an empty file", { linkmeshFiles: { a: "\n" } }, /^linkmeshFiles\.a must not be empty/],
        ["a file that is no text", { linkmeshFiles: { a: "x\0" } }, /^linkmeshFiles\.a must be text, without NUL/],
        ["half a surrogate pair in a file", { linkmeshFiles: { a: "\ud800" } }, /^linkmeshFiles\.a must be text/],
        ["a map in a map of files", { linkmeshFiles: { a: { b: "x" } } }, /^linkmeshFiles\.a must be text, a number/],
        [
            "more files than an update can take",
            { linkmeshFiles: { a: "x".repeat(33_000), b: "é".repeat(16_500) } },
            /^linkmeshFiles must be at most 65536 bytes in all/,
        ],
        ["a relative path", { linkmeshDataPaths: ["var/lib/linkmesh"] }, /^linkmeshDataPaths must be an absolute path/],
        [
            "a directory of the system",
            { linkmeshDataPaths: ["/var/lib"] },
            /^linkmeshDataPaths must hold directories of LinkMesh alone/,
        ],
        ["the root", { linkmeshDataPaths: ["/"] }, /^linkmeshDataPaths must be/],
        ["a path out of its place", { linkmeshDataPaths: ["/var/lib/linkmesh/../dpkg"] }, /^linkmeshDataPaths must be/],
        [
            "one directory inside another",
            { linkmeshDataPaths: ["/var/lib/linkmesh", "/var/lib/linkmesh/db"] },
            / and \/var\/lib\/linkmesh, which contains it/,
        ],
        ["no collectors", { collectorsExpected: 0 }, /^collectorsExpected must be at least 1/],
        ["too many", { collectorsExpected: 200_001 }, /^collectorsExpected must be at most 200000/],
        ["a part of a collector", { collectorsExpected: "1.5" }, /^collectorsExpected must be a whole number/],
        ["words as a number", { collectorsExpected: "many" }, /^collectorsExpected must be a whole number/],
        ["a doubtful truth", { dnsAllowOverwrite: "yes" }, /^dnsAllowOverwrite must be true or false/],
        ["a block too large", { vpcCidr: "10.0.0.0/8" }, /^vpcCidr must be an IPv4 network between \/16 and \/28/],
        ["AWS's own tags", { tags: { "aws:x": "y" } }, /^tags must have keys that do not start with "aws:"/],
        ["a misspelt key", { acmeMail: "x" }, /^acmeMail is not a setting. Did you mean acmeEmail\?/],
        [
            "a key from nowhere",
            { somethingElseEntirely: "x" },
            /^somethingElseEntirely is not a setting. docs\/settings\.md lists the settings\./,
        ],
    ])("%s", (_, values, sentence) => {
        const found = problems({ ...GOOD, ...values });
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(sentence);
    });
});

test("several problems are reported at once, and Pulumi shows the error without a stack trace", () => {
    expect(problems({ domain: "x", acmeDirectory: "y" }).map((sentence) => sentence.split(" ")[0])).toEqual([
        "domain",
        "acmeDirectory",
        "sshAllowedCidrs",
    ]);
    expect(new SettingsError(["a", "b"])).toBeInstanceOf(pulumi.RunError);
    expect(new SettingsError(["a", "b"]).stack).toBe("a\nb");
});

test("each of LinkMesh's files ends with a line end, as programs expect of keys", () => {
    const { linkmeshFiles } = parseSettings({ ...GOOD, linkmeshFiles: { a: "one", b: "two\n" } });
    expect(linkmeshFiles.test(({ a, b }) => a === "one\n" && b === "two\n")).toBe(true);
});

test("LinkMesh's files are where the documents say", () => {
    expect(readScript("functions/linkmesh-files")).toContain(`\nLINKMESH_FILES=${LINKMESH_FILES_FOLDER} #`);
});
