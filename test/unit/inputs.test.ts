import { describe, expect, test } from "vitest";
import { parseSettings } from "../../components/settings/load.ts";
import type { SettingName } from "../../components/settings/settings.ts";
import { BASTION } from "./keys.ts";
import { APT, GOOD, SUM, opened } from "./given-settings.ts";
import { problems } from "./problems.ts";

describe("a value with one obvious meaning is accepted", () => {
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

describe("any other value is refused in one sentence", () => {
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
    ])("%s is not a setting: %s", (name, hint) =>
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
