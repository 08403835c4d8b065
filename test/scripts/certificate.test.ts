import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Machine, selfSigned, type Given } from "./step.ts";

const NAME = "linkmesh.example.com";
const DIRECTORY = "https://acme.example.com/dir";
const ORDERS = "/srv/linkmesh/identity/orders";
const LIVE = `/etc/letsencrypt/live/${NAME}`;
const RENEWAL = `/etc/letsencrypt/renewal/${NAME}.conf`;
const BUNDLE = "-----BEGIN CERTIFICATE-----\n";
const ours = selfSigned(NAME);
const newer = selfSigned(NAME);

/** What certbot said to real authorities in the lab, or to none. */
const recorded = (name: string) => readFileSync(join(import.meta.dirname, "certbot", `${name}.txt`), "utf8");

const renewalFile = (directory = DIRECTORY, authenticator = "webroot") =>
    `[renewalparams]\nserver = ${directory}\nauthenticator = ${authenticator}\nwebroot_path = /var/www/acme,\n`;

/** certbot's result: a new certificate, or none and this text. What the ledger held meanwhile goes to the calls. */
const gives = `cat ${ORDERS} >>/stub/calls; mkdir -p ${LIVE}; cp /stub/newer.pem ${LIVE}/cert.pem`;
const says = (text: string) => `cat ${ORDERS} >>/stub/calls; cat <<'END'\n${text}END\nexit 1`;

function machine(given: Given = {}): Machine {
    return new Machine({
        step: "certificate",
        ...given,
        variables: {
            NAMES: NAME,
            LINEAGE: NAME,
            EMAIL: "",
            DIRECTORY,
            AUTHENTICATOR: "webroot",
            DNS_AUTHENTICATORS: "dns-route53",
            WEEKLY_LIMIT: "5",
            ...given.variables,
        },
        files: { "ca.pem": "", "eab.ini": "", ...given.files },
        machine: { "/stub/newer.pem": newer.certificate, ...given.machine },
        stubs: { mountpoint: "true", certbot: gives, ...given.stubs },
    });
}
const held = { [`${LIVE}/cert.pem`]: ours.certificate, [RENEWAL]: renewalFile() };
const orders = (text: string | undefined) => (text ?? "").split("\n").filter(Boolean);

test("a renewal that failed before is over with a new certificate, and not with one that is kept unasked", () => {
    const forgets = (given: Given) => machine(given).run().calls.includes("systemctl reset-failed certbot.service");
    expect(forgets({ machine: held })).toBe(true);
    expect(forgets({ machine: held, stubs: { certbot: "true" } })).toBe(false);
});

describe("the ledger", () => {
    test("has an order before certbot runs", () => {
        const on = machine();
        const ran = on.run();
        expect(ran).toMatchObject({ status: 0, errors: [] });
        const certbot = ran.calls.findIndex((call) => call.startsWith("certbot"));
        expect(ran.calls[certbot + 1]).toMatch(new RegExp(`^\\d+ ${DIRECTORY} ${NAME}$`));
        expect(orders(on.read(ORDERS))).toHaveLength(1);
    });

    test("does not keep an order that the authority refused", () => {
        const on = machine({ stubs: { certbot: says(recorded("limited")) } });
        expect(on.run().status).toBe(1);
        expect(orders(on.read(ORDERS))).toEqual([]);
    });

    test("keeps an order that was cut, because its certificate may have been issued", () => {
        const on = machine({ stubs: { certbot: "kill -TERM $PPID; exit 1" } });
        expect(on.run().errors).toEqual([expect.stringContaining("took longer than its time limit")]);
        expect(orders(on.read(ORDERS))).toHaveLength(1);
    });

    test("has no order for a certificate that is kept", () => {
        const on = machine({ machine: held, stubs: { certbot: "true" } });
        expect(on.run().status).toBe(0);
        expect(orders(on.read(ORDERS))).toEqual([]);
    });

    test("has an order for a certificate that was due and renewed", () => {
        const on = machine({ machine: held });
        expect(on.run().status).toBe(0);
        expect(orders(on.read(ORDERS))).toHaveLength(1);
    });

    test("drops what is older than 7 days, to the second", () => {
        const now = 1_800_000_000;
        const line = (age: number) => `${now - age} ${DIRECTORY} ${NAME}\n`;
        const on = machine({
            machine: { [ORDERS]: line(604_801) + line(604_800) + line(604_799) },
            stubs: { date: `[ "$*" = +%s ] && echo ${now} || /usr/bin/date "$@"` },
        });
        expect(on.run().status).toBe(0);
        expect(on.read(ORDERS)).toBe(line(604_799) + line(0));
    });
});

describe("the authority's limit of 5 in 7 days", () => {
    const now = 1_800_000_000;
    const HOUR = 3600;
    const date = `[ "$*" = +%s ] && echo ${now} || /usr/bin/date "$@"`;
    const at = (hours: number, directory = DIRECTORY, name = NAME) => `${now - hours * HOUR} ${directory} ${name}\n`;
    const five = [160, 100, 50, 20, 2].map((hours) => at(hours)).join("");

    test.each<{ is: string; past: string; given?: Given; outcome: "ordered" | "refused" | "kept"; possible?: number }>([
        { is: "none", past: "", outcome: "ordered" },
        { is: "four", past: five.split("\n").slice(1).join("\n"), outcome: "ordered" },
        { is: "five", past: five, outcome: "refused", possible: 160 },
        { is: "six, as another stack's", past: at(161) + five, outcome: "refused", possible: 160 },
        { is: "five, the oldest of which leaves the window", past: five.replace(at(160), at(168)), outcome: "ordered" },
        { is: "five at another directory", past: five.replaceAll(DIRECTORY, "https://other/dir"), outcome: "ordered" },
        { is: "five for other names", past: five.replaceAll(NAME, `${NAME},ui.example.com`), outcome: "ordered" },
        {
            is: "five where no limit is known",
            past: five,
            given: { variables: { WEEKLY_LIMIT: "" } },
            outcome: "ordered",
        },
        { is: "five, and the certificate is there", past: five, given: { machine: held }, outcome: "kept" },
        {
            is: "five, and the certificate that is there is another directory's",
            past: five,
            given: { machine: { ...held, [RENEWAL]: renewalFile("https://other/dir") } },
            outcome: "refused",
            possible: 160,
        },
        {
            is: "five, and the certificate that is there has other names",
            past: five,
            given: { machine: { ...held, [`${LIVE}/cert.pem`]: selfSigned("other.example.com").certificate } },
            outcome: "refused",
            possible: 160,
        },
    ])("$is: $outcome", ({ past, given = {}, outcome, possible }) => {
        const on = machine({ ...given, machine: { ...given.machine, [ORDERS]: past }, stubs: { date } });
        const ran = on.run();
        expect(ran.calls.some((call) => call.startsWith("certbot certonly"))).toBe(outcome === "ordered");
        if (outcome !== "refused") return void expect(ran).toMatchObject({ status: 0, errors: [] });
        const when = new Date((now - possible! * HOUR + 604_800) * 1000).toISOString().replace("T", " ").slice(0, 16);
        expect(ran.errors).toEqual([
            expect.stringMatching(
                new RegExp(
                    `^error: ${NAME} has had \\d certificates from ${DIRECTORY} in 7 days, and 5 is its limit: run pulumi up again after ${when} UTC,`,
                ),
            ),
        ]);
        expect(on.read(ORDERS)).toBe(past);
    });
});

describe("certbot's output becomes one sentence", () => {
    test.each<[string, string, Record<string, string>?]>([
        ["refused", `${DIRECTORY} does not answer: check acmeDirectory, or wait and run pulumi up again.`],
        ["no-name", `${DIRECTORY} does not answer: check acmeDirectory, or wait and run pulumi up again.`],
        [
            "untrusted",
            `the certificate of ${DIRECTORY} itself is not trusted: set acmeCaBundle to the CA that signs it.`,
        ],
        [
            "untrusted",
            `the certificate of ${DIRECTORY} itself is not trusted: set acmeCaBundle to the CA that signs it, or remove acmeCaBundle if a public authority signs it.`,
            { "ca.pem": BUNDLE },
        ],
        [
            "limited",
            "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-12-01 10:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers This is a limit of the authority: wait, or set acmeDirectory to staging meanwhile.",
        ],
        [
            "eab-missing",
            "the authority requires an external account binding: set acmeEabKeyId and acmeEabHmacKey to the values that it shows you.",
        ],
        [
            "eab-unknown",
            "the authority refuses acmeEabKeyId with acmeEabHmacKey (the field 'kid' references a key that is not known to the ACME server): copy both again from where it shows them.",
            { "eab.ini": "eab-kid = a\n" },
        ],
        [
            "eab-wrong-key",
            "the authority refuses acmeEabKeyId with acmeEabHmacKey (external account binding JWS verification error: go-jose/go-jose: error in cryptographic primitive): copy both again from where it shows them.",
            { "eab.ini": "eab-kid = a\n" },
        ],
        [
            "no-credentials",
            "the machine may not write the challenge into the Route 53 zone: check the role of its instance profile, then run pulumi up again.",
        ],
    ])("%s: %s", (name, sentence, files = {}) => {
        const ran = machine({ files, stubs: { certbot: says(recorded(name)) } }).run();
        expect(ran.errors).toEqual([`error: the certificate authority gave no certificate for ${NAME}: ${sentence}`]);
        expect(ran.calls.filter((call) => call.startsWith("certbot certonly"))).toHaveLength(1);
    });

    test.each<[string, RegExp]>([
        [
            "bad-dns",
            /: Get "http:\/\/nothere\.example\.test:80\/\S+": could not resolve URL \S+ See \/var\/log\/letsencrypt\/letsencrypt\.log on the machine/,
        ],
        [
            "unauthorized",
            /: Get "http:\/\/ns1\.example\.test:80\/\S+": dial tcp \S+ connect: connection refused\. See /,
        ],
        ["not-found", /: acme\.errors\.ClientError: <Response \[404\]>\. See /],
        [
            "wrong-credentials",
            /: An error occurred \(InvalidClientTokenId\) when calling the ListHostedZones operation: .* is invalid\. See /,
        ],
    ])("%s: quotes the other side and says where to look", (name, sentence) => {
        const ran = machine({ stubs: { certbot: says(recorded(name)) } }).run();
        expect(ran.errors).toEqual([expect.stringMatching(sentence)]);
    });

    test("a busy authority is asked three more times, after 10, 20 and 30 seconds", () => {
        const ran = machine({ stubs: { certbot: says(recorded("busy")) } }).run();
        expect(ran.calls.filter((call) => call.startsWith("certbot certonly"))).toHaveLength(4);
        expect(ran.calls.filter((call) => call.startsWith("sleep"))).toEqual(["sleep 10", "sleep 20", "sleep 30"]);
        expect(ran.stdout).toContain("The certificate authority is busy: waiting.");
        expect(ran.errors).toEqual([expect.stringContaining("Service busy; retry later")]);
    });
});

test("an authority that was busy once issues the certificate at the next try", () => {
    const ran = machine({
        stubs: { certbot: `if [ ! -e /stub/asked ]; then touch /stub/asked; ${says(recorded("busy"))}\nfi\n${gives}` },
    }).run();
    expect(ran).toMatchObject({ status: 0, errors: [] });
});

test("a lineage of other names is ordered again, one that fits is kept until it is due", () => {
    const how = (on: Machine) => on.run().calls.find((call) => call.startsWith("certbot certonly"));
    expect(how(machine({ machine: held }))).toContain(" --keep-until-expiring ");
    const other = { ...held, [`${LIVE}/cert.pem`]: selfSigned("other.example.com").certificate };
    expect(how(machine({ machine: other }))).toContain(" --force-renewal ");
});

test("the timer renews only the lineage in use, and lineages of other programs stay as they are", () => {
    const OTHER = `/etc/letsencrypt/renewal/${NAME}-staging.conf`;
    const FOREIGN = "/etc/letsencrypt/renewal/foreign.conf";
    const off = renewalFile().replace("[renewalparams]\n", "[renewalparams]\nautorenew = False\n");
    const FOREIGN_DNS = "/etc/letsencrypt/renewal/foreign-dns.conf";
    const foreign = renewalFile(DIRECTORY, "nginx").replace("/var/www/acme", "/var/www");
    const foreignDns = renewalFile(DIRECTORY, "dns-cloudflare").replace("/var/www/acme", "/var/www");
    const others = { [FOREIGN]: foreign, [FOREIGN_DNS]: foreignDns };
    const on = machine({ machine: { ...held, [RENEWAL]: off, [OTHER]: renewalFile(), ...others } });
    expect(on.run().status).toBe(0);
    expect([RENEWAL, OTHER].map((path) => on.read(path))).toEqual([renewalFile(), off]);
    expect([FOREIGN, FOREIGN_DNS].map((path) => on.read(path))).toEqual([foreign, foreignDns]);
});

test("without a new certificate the CA bundle, drop-in, hook and renewals stay as they were", () => {
    const on = machine({ machine: held, stubs: { certbot: "true" } });
    expect(on.run({ files: { "ca.pem": BUNDLE } }).status).toBe(0);
    const before = on.files();
    const refused = { certbot: says(recorded("refused")) };
    // Another directory, without a bundle, whose lineage is there and switched off.
    const lineage = `${NAME}-staging`;
    on.write(
        `/etc/letsencrypt/renewal/${lineage}.conf`,
        "[renewalparams]\nautorenew = False\nwebroot_path = /var/www/acme,\n",
    );
    before[`/etc/letsencrypt/renewal/${lineage}.conf`] = on.read(`/etc/letsencrypt/renewal/${lineage}.conf`)!;
    const ran = on.run({ variables: { LINEAGE: lineage, WEEKLY_LIMIT: "" }, stubs: refused });
    expect(ran.errors).toHaveLength(1);
    expect(on.files()).toEqual({ ...before, [ORDERS]: "" });
    expect(ran.calls.filter((call) => call === "systemctl daemon-reload")).toHaveLength(2);
});
