import fc from "../any.ts";
import { parseSettings } from "../../components/settings/load.ts";
import { SETTINGS, type Setting, type SettingName } from "../../components/settings/settings.ts";
import { OWN_LOGIN } from "./keys.ts";
import { GOOD, SUM } from "./given-settings.ts";
import { problems } from "./problems.ts";

// Arbitrary input for every setting.

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
export const written = fc.oneof(
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
/** Values for a setting of each type, most of them wrong. */
export const VALUES: Record<Setting["type"], fc.Arbitrary<unknown>> = {
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
export function accepts(config: Record<string, string>): boolean {
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

/** Of a value for each of these settings as many as go together, so that what is left is valid. */
export function validSettings(
    values: Partial<Record<SettingName, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Record<string, unknown>> {
    return fc.record(values as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }).map((all) => {
        let settings: Record<string, unknown> = { ...GOOD };
        for (const [name, value] of Object.entries(all)) {
            const more = { ...settings, [name]: value };
            if (problems(more).length === 0) settings = more;
        }
        return settings;
    });
}

/** Keys and values that some version of YAML reads otherwise. */
const AMBIGUOUS = [
    ...["1_000", "0b101", "0o7", "017", "1:30", "1e3", ".5", "=", "<<", "~", "null", "yes", "On", "y", "2026-11-27"],
    ...["", " ", "\n", "\r\n", "\t", "---", "- a", "a: b", "#", "&a", "*a", "!x", "%x", "@", "`", "|", ">", "{", "["],
    ...["\0", "\x7f", "\x85", "\x9f", "\u2028", "\ufeff", "\uffff", "\u{1f600}"],
];
const yamlText = fc.oneof(fc.constantFrom(...AMBIGUOUS), fc.string({ unit: "binary" }), written);
const linkmeshConfig = fc
    .dictionary(yamlText, fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }), { maxKeys: 5 })
    .chain((keys) => fc.dictionary(yamlText, yamlText, { maxKeys: 5 }).map((more) => ({ ...keys, more, ...more })));

/** The accepted ones of several values of linkmeshConfig, together. */
export const linkmeshConfigs = fc
    .array(linkmeshConfig, { minLength: 4, maxLength: 4 })
    .map((all) => all.filter((keys) => problems({ ...GOOD, linkmeshConfig: keys }).length === 0))
    .map(
        (all) =>
            Object.assign(
                {},
                ...all.map((keys) => parseSettings({ ...GOOD, linkmeshConfig: keys }).linkmeshConfig),
            ) as Record<string, unknown>,
    );
