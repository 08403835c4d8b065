import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSettings } from "../../components/settings/load.ts";
import { Secret } from "../../components/settings/secret.ts";
import { SETTINGS, type Setting, type SettingName } from "../../components/settings/settings.ts";
import type { Value, Values } from "../../lab/providers/property-values.ts";
import { BASTION, OWN_LOGIN } from "./keys.ts";
import { TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, reveal, runProgram } from "./program.ts";
import { problems } from "./problems.ts";

const SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const GOOD = {
    domain: "linkmesh.example.com",
    sshAllowedCidrs: ["198.51.100.7/32"],
    linkmeshDebUrl: "https://packages.example.com/linkmesh-server.deb",
    linkmeshDebSha256: SUM,
};
const APT = {
    linkmeshDebUrl: "",
    linkmeshDebSha256: "",
    linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    linkmeshVersion: "1.101.0",
};

/** What is in a secret, too. */
function opened(value: unknown): unknown {
    if (!(value instanceof Secret)) return value;
    let inner: unknown;
    value.map((one: unknown) => (inner = one));
    return inner;
}

describe("what has one obvious meaning is taken as that", () => {
    test.each<[SettingName, unknown, unknown, Record<string, unknown>?]>([
        ["domain", " LinkMesh.Example.com.\n", "linkmesh.example.com"],
        ["uiDomain", "UI.example.com.", "ui.example.com"],
        ["grpcDomain", "gRPC.example.com", "grpc.example.com"],
        ["hostedZone", "Example.com.", "example.com"],
        ["caaIssuer", " LetsEncrypt.org. ", "letsencrypt.org"],
        ["certificateNames", ["*.Example.com."], ["*.example.com"], { acmeChallenge: " DNS-01 " }],
        ["dns", "External", "external"],
        ["acmeChallenge", "DNS-01", "dns-01"],
        ["acmeDirectory", " Production\n", "production"],
        ["acmeDirectory", "HTTPS://ACME-V02.api.letsencrypt.org:443/directory", "production"],
        ["acmeEmail", " platform@example.com ", "platform@example.com"],
        [
            "caaAccountUri",
            " HTTPS://Acme.example.com/acct/1",
            "https://acme.example.com/acct/1",
            { caaIssuer: "letsencrypt.org" },
        ],
        ["sshAllowedCidrs", ["10.0.0.0/08", " 2001:0DB8:0:0::/064 "], ["10.0.0.0/8", "2001:db8::/64"]],
        ["vpcCidr", " 10.20.0.0/024", "10.20.0.0/24"],
        ["bastionUser", " ec2-user\n", "ec2-user"],
        ["instanceType", " T4G.small", "t4g.small"],
        ["operatingSystem", "Debian-13", "debian-13"],
        ["imageId", "AMI-0abc ", "ami-0abc"],
        ["subnetId", " subnet-0ABC", "subnet-0abc"],
        ["restoreFrom", "Latest", "latest"],
        ["dataVolumeSize", " 20 ", 20],
        ["dataVolumeSize", "", 10],
        ["httpsAllowedCidrs", " ", []],
        ["grpc", " TRUE ", true],
        ["protect", "", false],
        ["tags", { n: 5, live: true }, { n: "5", live: "true" }],
        ["linkmeshDebUrl", " HTTPS://Packages.example.com/a.deb\n", "https://packages.example.com/a.deb"],
        ["linkmeshDebSha256", SUM.toUpperCase(), SUM],
        ["linkmeshDebSha256", `${SUM}  linkmesh-server_1.101.0_amd64.deb\n`, SUM],
        ["linkmeshDebSha256", `${SUM} *a file with spaces.deb`, SUM],
        ["linkmeshDebSha256", `\\${SUM}  a\\nb.deb`, SUM],
        [
            "linkmeshAptSource",
            " deb https://apt.example.com/debian  stable\tmain ",
            "https://apt.example.com/debian stable main",
            APT,
        ],
        ["linkmeshVersion", " 1.101.0 ", "1.101.0", { ...APT, linkmeshAptSource: "https://apt.example.com/debian ./" }],
        ["linkmeshEnvironmentFile", " /etc/default/linkmesh ", "/etc/default/linkmesh"],
        ["linkmeshDataPaths", ["/var/lib/linkmesh/", " /data/linkmesh"], ["/var/lib/linkmesh", "/data/linkmesh"]],
    ])("%s %j", (name, given, taken, besides = {}) =>
        expect(opened(parseSettings({ ...GOOD, ...besides, [name]: given })[name])).toEqual(taken),
    );

    test("a host of a bastion, and an HMAC key in plain base64", () => {
        const eab = { acmeDirectory: "https://acme.example.com/dir", acmeEabKeyId: " kid-1 " };
        const settings = parseSettings({
            ...GOOD,
            ...BASTION,
            ...eab,
            bastionHost: "B.example.com.",
            acmeEabHmacKey: "a+b/cA==",
        });
        expect(settings.bastionHost).toBe("b.example.com");
        expect([settings.acmeEabKeyId, opened(settings.acmeEabHmacKey)]).toEqual(["kid-1", "a-b_cA"]);
    });
});

describe("what has not is refused in one sentence", () => {
    test.each<[SettingName, unknown, string]>([
        [
            "sshAllowedCidrs",
            ["fe80::1%eth0/128"],
            'must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not "fe80::1%eth0/128".',
        ],
        [
            "sshAllowedCidrs",
            ["::ffff:10.0.0.0/104"],
            'must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not "::ffff:10.0.0.0/104".',
        ],
        [
            "sshAllowedCidrs",
            ["010.0.0.0/8"],
            'must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not "010.0.0.0/8".',
        ],
        [
            "sshAllowedCidrs",
            ["198.51.100.7/32\n10.0.0.0/8"],
            'must hold networks in CIDR form such as 198.51.100.7/32 or 2001:db8::/64, not "198.51.100.7/32\\n10.0.0.0/8".',
        ],
        ["sshAllowedCidrs", [5], "must hold text alone."],
        ["sshAllowedCidrs", ["10.0.0.0/8", "10.0.0.0/08"], "holds a network twice. Remove one."],
        [
            "vpcCidr",
            "10.0.0.0/15",
            "must be an IPv4 network between /16 and /28 that machines may have, such as 10.77.0.0/24.",
        ],
        [
            "vpcCidr",
            "10.0.0.0/29",
            "must be an IPv4 network between /16 and /28 that machines may have, such as 10.77.0.0/24.",
        ],
        [
            "vpcCidr",
            "127.0.0.0/16",
            "must be an IPv4 network between /16 and /28 that machines may have, such as 10.77.0.0/24.",
        ],
        ["tags", { team: null }, '.team must be text, a number, true or false; write "" for an empty value.'],
        ["tags", { team: ["a"] }, '.team must be text, a number, true or false; write "" for an empty value.'],
        ["tags", { team: "a, b" }, ".team must be a value of letters, digits, spaces and _.:/=+-@, 256 at most."],
        ["tags", { "a b ": "x" }, " must have keys of letters, digits, spaces and _.:/=+-@, 128 at most."],
        ["tags", "team", " must be an object."],
        ["linkmeshEnvironment", { A: null }, '.A must be text, a number, true or false; write "" for an empty value.'],
        [
            "linkmeshDebSha256",
            `${SUM}  a.deb\n${SUM}  b.deb`,
            " must be 64 hexadecimal digits: run sha256sum on the package.",
        ],
        ["linkmeshDebUrl", "https://exa mple.com/a.deb", " must be an http or https URL of a .deb file."],
        ["linkmeshDebUrl", "https:/packages.example.com/a.deb", " must be an http or https URL of a .deb file."],
        [
            "linkmeshAptSource",
            "https://apt.example.com/ ./ main",
            ' must be "URL SUITE COMPONENT…", such as: https://apt.example.com/debian stable main.',
        ],
        [
            "domain",
            "ab--cd.example.com",
            ' must not have "--" as third and fourth character of a label, unless it stands for other letters as xn--… does.',
        ],
        ["dataVolumeSize", "1e3", " must be a whole number, in digits alone."],
        ["dataVolumeSize", true, " must be a whole number, in digits alone."],
        ["dns", "cloudflare", ' must be "route53" or "external".'],
        ["acmeEmail", "-x@example.com", " must be an e-mail address such as platform@example.com."],
        [
            "acmeDirectory",
            "https://me:secret@acme.example.com/dir",
            " must not hold a user name or a password: certbot would show them.",
        ],
        [
            "caaAccountUri",
            "https://acme.example.com/acct;1",
            " must be the URL of an ACME account as the authority shows it.",
        ],
        [
            "linkmeshDataPaths",
            ["/etc/systemd/system"],
            " must hold directories of LinkMesh alone, such as /var/lib/linkmesh, and none of the system's.",
        ],
        [
            "linkmeshDataPaths",
            ["/srv/linkmesh/data"],
            " must hold directories of LinkMesh alone, such as /var/lib/linkmesh, and none of the system's.",
        ],
    ])("%s %j", (name, given, sentence) =>
        expect(problems({ ...GOOD, [name]: given })).toEqual([
            `${name}${sentence.startsWith(".") || sentence.startsWith(" ") ? "" : " "}${sentence}`,
        ]),
    );

    test.each([
        ["fooo", "docs/settings.md lists the settings."],
        ["toString", "docs/settings.md lists the settings."],
        ["LINKMESHDEBURL", "Did you mean linkmeshDebUrl?"],
        ["tag", "Did you mean tags?"],
        ["collectorExpected", "Did you mean collectorsExpected?"],
    ])("%s is no setting: %s", (name, hint) =>
        expect(problems({ ...GOOD, [name]: "x" })).toEqual([
            `${name} is not a setting. ${hint} Remove it with \`pulumi config rm ${name}\`.`,
        ]),
    );

    test.each([
        ["image", "operatingSystem"],
        ["trustedHops", "trustedProxies"],
    ])("%s is refused with its new name, %s", (name, current) =>
        expect(problems({ ...GOOD, [name]: "x" })).toEqual([
            `${name} is called ${current}. Set that instead, and remove the old one with \`pulumi config rm ${name}\`.`,
        ]),
    );
});

// --- anything that anybody may write, for any setting

const PIECES = [
    ...Object.values<Setting>(SETTINGS).map(({ example }) => example),
    ...["fe80::1%eth0/128", "10.0.0.0/08", "::ffff:10.0.0.0/104", "0x7f.1/8", "10.0.0.0", "::/0", "255.255.255.255/32"],
    ...["LinkMesh.Example.COM.", "*.example.com", "xn--zz--99999.example.com", "a--b.example.com", "bücher.example"],
    ...[
        "https://user:p@ss@a.example/x?sig=1#f",
        "http://[::1]/a.deb",
        "https://a.example/[1-9]{a,b}",
        "deb https://a.example a b",
    ],
    ...[
        "$(reboot)",
        "`reboot`",
        "'; reboot #",
        '"',
        "\\",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\ud800",
        "\u2028",
        "END_OF_FILE",
        "\u200b",
    ],
    ...[
        "__proto__",
        "constructor",
        "aws:x",
        "Name",
        "null",
        "NaN",
        "Infinity",
        "-0",
        "1e3",
        "0x10",
        "1_000",
        "true",
        "TRUE ",
        "yes",
    ],
    ...[
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        ...Object.values(OWN_LOGIN),
        "ssh-ed25519 AAAA a b",
        `${SUM}  a b.deb`,
    ],
    ...["/var/lib/linkmesh/", "/../etc", "/etc/systemd/system", "/", "1:1.0-1~x+y", "1.0-", "latest", "", " "],
];
const piece = fc.oneof(
    fc.constantFrom(...PIECES),
    fc.string({ unit: "binary" }),
    fc.domain(),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.emailAddress(),
    fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(130)).map(([address, length]) => `${address}/${length}`),
);
/** A piece as it is, or with a trifle put in, taken away or written otherwise. */
const written = fc.oneof(
    piece,
    piece.map((text) => text.toUpperCase()),
    fc
        .tuple(fc.constantFrom(" ", "\n", "", "\t"), piece, fc.constantFrom(" ", "\n", ".", "/", "\u00a0"))
        .map((parts) => parts.join("")),
    fc.tuple(piece, fc.nat(80), piece).map(([text, at, other]) => text.slice(0, at) + other + text.slice(at)),
    fc.tuple(piece, fc.nat(80)).map(([text, at]) => text.slice(0, at) + text.slice(at + 1)),
    fc.tuple(piece, fc.integer({ min: 2, max: 300 })).map(([text, times]) => text.repeat(times).slice(0, 2000)),
);
const anything = fc.oneof(written, fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>, fc.double(), fc.integer());
const VALUES: Record<Setting["type"], fc.Arbitrary<unknown>> = {
    string: fc.oneof({ weight: 9, arbitrary: written }, anything),
    integer: fc.oneof(anything, fc.integer().map(String), fc.integer({ min: 0, max: 400 })),
    boolean: anything,
    array: fc.oneof({ weight: 9, arbitrary: fc.array(written, { maxLength: 4 }) }, fc.array(anything), anything),
    object: fc.oneof(
        {
            weight: 5,
            arbitrary: fc.dictionary(fc.oneof(written, fc.stringMatching(/^[A-Za-z_]{1,9}$/)), written, { maxKeys: 4 }),
        },
        fc.dictionary(written, anything),
        anything,
    ),
};
/** Whether texts of the stack's configuration go together. */
function accepts(config: Record<string, string>): boolean {
    const values = Object.entries(config).map(([name, text]) => {
        const { type } = SETTINGS[name as SettingName];
        return [name, type === "array" || type === "object" ? json(text) : text];
    });
    return problems(Object.fromEntries(values) as Record<string, unknown>).length === 0;
}

function json(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

const ZODS_OWN = /Invalid input|\bexpected (string|number|boolean|object|array|record|int|one of|nan)|, received \w/;

const names = Object.keys(SETTINGS) as SettingName[];

test.each(names)(
    "%s: whatever is written is taken in its one form, or refused in a sentence of ours",
    (name) => {
        fc.assert(
            fc.property(VALUES[SETTINGS[name].type], (value) => {
                const found = problems({ ...GOOD, [name]: value });
                for (const problem of found) {
                    expect(problem).toMatch(/^[A-Za-z][^\n\r\0]*\.$/u);
                    expect(problem).not.toMatch(ZODS_OWN);
                }
                if (found.length > 0) return;
                const taken = opened(parseSettings({ ...GOOD, [name]: value })[name]);
                expect(opened(parseSettings({ ...GOOD, [name]: taken })[name])).toEqual(taken);
            }),
            { numRuns: 100 },
        );
    },
    30_000,
);

test("what is taken is refused neither by AWS nor by the shell", async () => {
    const { provider } = TestCloud.create();
    // The mocks of the cloud know a few values of these alone.
    const plain = names.filter((name) => !/[dD]omain|Zone|certificateNames|instanceType|Id$|restoreFrom/.test(name));
    // Of a value for each setting as many as go together: a run of the program takes long.
    const taken = fc
        .record(Object.fromEntries(plain.map((name) => [name, VALUES[SETTINGS[name].type]])))
        .map((values) => {
            const config: Record<string, string> = { ...CONFIG, dailySnapshots: "7" };
            for (const [name, value] of Object.entries(values)) {
                const text = typeof value === "string" ? value : JSON.stringify(value);
                if (problems({ ...GOOD, [name]: value }).length === 0 && accepts({ ...config, [name]: text }))
                    config[name] = text;
            }
            return config;
        });
    const asked = new Set<string>();
    await fc.assert(
        fc.asyncProperty(taken, async (config) => {
            const run = await runProgram(config).catch((error: unknown) => {
                // What exists in the cloud may refuse it, in a sentence too.
                expect((error as Error).constructor.name).toMatch(/RunError/);
                expect((error as Error).message).toMatch(/^[a-zA-Z][^\n]*\.$/);
            });
            const steps: string[] = [];
            for (const { type, name, inputs } of run?.registered ?? []) {
                if (type === "command:remote:Command") steps.push(reveal<string>(inputs.stdin));
                if (!type.startsWith("aws:")) continue;
                const values: Values = Object.fromEntries(
                    Object.entries(inputs).map(([key, one]) => [key, reveal<Value>(one)]),
                );
                const request = {
                    type,
                    name,
                    news: { values, secrets: [] },
                    olds: { values: {}, secrets: [] },
                    seed: Buffer.alloc(32),
                };
                // The mocks leave outputs out that the provider would give, and a lab has few networks.
                const wrong = provider
                    .check(request as never)
                    .failures.filter(({ reason }) => !/^missing required|the lab's VPCs lie in/.test(reason));
                expect(wrong).toEqual([]);
                asked.add(type);
            }
            expect(spawnSync("bash", ["-n"], { input: steps.join("\n"), encoding: "utf8" }).stderr).toBe("");
        }),
        { numRuns: 6, endOnFailure: true },
    );
    expect(asked.size).toBeGreaterThan(10);
}, 120_000);
