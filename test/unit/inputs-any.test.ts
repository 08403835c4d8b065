import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSettings } from "../../components/settings/load.ts";
import { SETTINGS, type Setting, type SettingName } from "../../components/settings/settings.ts";
import type { Value, Values } from "../../lab/providers/property-values.ts";
import { OWN_LOGIN } from "./keys.ts";
import { GOOD, SUM, opened } from "./given-settings.ts";
import { TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, reveal, runProgram } from "./program.ts";
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
    "%s: any input is accepted in its canonical form, or refused in one of the program's sentences",
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

test("neither AWS nor the shell refuses an accepted value", async () => {
    const { provider } = TestCloud.create();
    // The mocks of the cloud have only a few values of these.
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
                // A lookup may refuse it, in one sentence too.
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
