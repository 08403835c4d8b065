import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { loadSettings, parseSettings } from "../../components/settings/load.ts";
import type { StepOptions } from "../../components/host/ssh-host.ts";
import { reasonsOf } from "../../components/host/step-reasons.ts";
import { Secret } from "../../components/settings/secret.ts";
import { SETTINGS, type SettingName } from "../../components/settings/settings.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { TestCa } from "../host/test-ca.ts";
import { overheard, traces, unhandled, visible } from "./canary.ts";
import { CONFIG, isSecret, reveal, runProgram, valueOf } from "./program.ts";

const GOOD = { ...CONFIG, sshAllowedCidrs: ["198.51.100.7/32"] };

describe("a secret", () => {
    const secret = new Secret("hunter2");

    test("is always shown as [secret]", () => {
        const shown = [String(secret), JSON.stringify({ secret }), inspect([secret], { showHidden: true })];
        for (const text of [...shown, JSON.stringify({ ...secret }), `${secret as unknown as string}`])
            expect(text).not.toContain("hunter2");
        expect(String(secret)).toBe("[secret]");
    });

    test("derived values are secret too, and a test returns only true or false", () => {
        const longer = secret.map((text) => `password=${text}`);
        expect(String(longer)).toBe("[secret]");
        expect(longer.test((text) => text === "password=hunter2")).toBe(true);
        expect([secret.isSet(), new Secret("").isSet()]).toEqual([true, false]);
    });

    test("the entries of a map are secret, and their names are not", () => {
        const [[name, value] = []] = new Secret<Record<string, string>>({ token: "hunter2" }).entries();
        expect([name, String(value)]).toEqual(["token", "[secret]"]);
        expect(value!.test((text) => text === "hunter2")).toBe(true);
    });

    test("the engine gets it as a secret", async () => {
        expect(await valueOf(secret.output())).toBe("hunter2");
        expect(await pulumi.isSecret(secret.output())).toBe(true);
    });

    test("a step accepts it only as a secret part: the compiler refuses it elsewhere", () => {
        const { sshPrivateKey } = parseSettings(GOOD);
        const options: StepOptions[] = [
            { secrets: { key: sshPrivateKey } },
            // @ts-expect-error A secret is not a variable.
            { variables: { KEY: sshPrivateKey } },
            // @ts-expect-error A secret is not a plain file.
            { files: { key: sshPrivateKey } },
        ];
        expect(options).toHaveLength(3);
    });

    test("a secret output of a resource among plain texts is refused", async () => {
        const errors = await unhandled(() => runProgram(CONFIG, { program: "./secret-step-program.ts" }));
        expect(errors[0]).toMatch(/step ready: one of its variables or files is a secret; give it/);
    });
});

type MayBeSecret = { secret: true } | { holdsCredentials: object };
type SecretName = { [K in SettingName]: (typeof SETTINGS)[K] extends MayBeSecret ? K : never }[SettingName];
type Values = Record<string, unknown>;

/** A valid value for each secret setting, with the settings that it needs. */
let stacks: Record<SecretName, Values>;
/** The text that must not appear. */
const secretOf = (name: SecretName) => {
    const value = stacks[name][name];
    return typeof value === "string" ? value : Object.values(value as Record<string, string>).join("\n");
};

beforeAll(async () => {
    const authority = await TestCa.create("CN=own");
    const { cert, key } = await authority.issue(["linkmesh.example.com"]);
    const [login, bastion, bastionHost] = await Promise.all([
        generateKey({ algorithm: "ED25519" }),
        generateKey({ algorithm: "RSA", rsaBits: 2048 }),
        generateKey({ algorithm: "ED25519" }),
    ]);
    const all = {
        sshPublicKey: login.publicKeyOpenssh.trim(),
        sshPrivateKey: login.privateKeyOpenssh,
        bastionHost: "bastion.example.com",
        bastionHostKey: bastionHost.publicKeyOpenssh.trim(),
        bastionPrivateKey: bastion.privateKeyPem,
        linkmeshEnvironment: { TOKEN: `it's "${randomBytes(24).toString("hex")}" $HOME`, N: "5" },
        linkmeshFiles: { "git-key": `it's "${randomBytes(24).toString("hex")}" $HOME\nEND_OF_FILE` },
    };
    const own = { ...all, tlsCertificate: cert + authority.pem, tlsPrivateKey: key };
    const acmeEabHmacKey = randomBytes(36).toString("base64url").replace(/[_-]/g, "x");
    const [password, signature] = [0, 1].map(() => randomBytes(24).toString("hex"));
    const linkmeshDebUrl = `https://me:${password}@packages.example.com/a.deb?X-Amz-Signature=${signature}`;
    const apt = {
        ...{ linkmeshDebUrl: "", linkmeshDebSha256: "", linkmeshVersion: "1.101.0" },
        linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
        linkmeshAptSource: `https://me:${password}@apt.example.com/debian stable main`,
    };
    stacks = {
        linkmeshDebUrl: { ...all, linkmeshDebUrl },
        linkmeshAptSource: { ...all, ...apt },
        ...{ sshPrivateKey: own, bastionPrivateKey: own, tlsPrivateKey: own },
        ...{ linkmeshEnvironment: own, linkmeshFiles: own },
        acmeEabHmacKey: { ...all, acmeDirectory: "https://acme.example.com", acmeEabKeyId: "kid-1", acmeEabHmacKey },
    };
});

const SECRETS = Object.entries(SETTINGS)
    .filter(([, setting]) => "secret" in setting || "holdsCredentials" in setting)
    .map(([name]) => name as SecretName);

test("every secret setting has its canary", () => {
    expect(Object.keys(stacks).sort()).toEqual([...SECRETS].sort());
});

test.each([
    ["linkmeshDebUrl", "https://packages.example.com/a.deb", false],
    ["linkmeshDebUrl", "https://me:pw@packages.example.com/a.deb", true],
    ["linkmeshDebUrl", "https://token@packages.example.com/a.deb", true],
    ["linkmeshDebUrl", "https://packages.example.com/a.deb?sig=x", true],
    ["linkmeshAptSource", "https://apt.example.com/debian stable main", false],
    ["linkmeshAptSource", "https://me:pw@apt.example.com/debian stable main", true],
] as const)("%s %s is a secret by itself: %s; and always when it is set so", (name, value, holds) => {
    const apt = stacks.linkmeshAptSource;
    const values = { ...GOOD, ...(name === "linkmeshAptSource" ? apt : {}), [name]: value };
    expect(parseSettings(values)[name] instanceof Secret).toBe(holds);
    expect(parseSettings(values, new Set([name]))[name]).toBeInstanceOf(Secret);
});

test.each([
    ["linkmeshDebUrl", true],
    ["tlsCertificate", false],
    ["tags", false],
])("a stack may set %s with --secret: %s", (name, may) => {
    const set = () => parseSettings({ ...GOOD, tlsCertificate: "", tags: {} }, new Set([name]));
    if (may) expect(set).not.toThrow();
    else expect(set).toThrow(`${name} is a secret, but previews show it`);
});

test("credentials that are set readably are hidden too, with a warning", async () => {
    const values = { ...CONFIG, ...config(stacks.linkmeshDebUrl) };
    let program: Awaited<ReturnType<typeof runProgram>>;
    const said = await overheard(async () => (program = await runProgram(values)));
    expect(said).toContain("linkmeshDebUrl is readable in the stack's configuration file");
    const pieces = traces(secretOf("linkmeshDebUrl"));
    for (const text of [said, ...program!.registered.map(visible)])
        expect(pieces.filter((piece) => text.includes(piece))).toEqual([]);
});

/** A stack's configuration with all secrets set as secrets. */
const config = (values: Values) =>
    Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
const run = (values: Values, preview: boolean) =>
    runProgram({ ...CONFIG, ...config(values) }, { secretKeys: SECRETS, preview });

/** The program with these settings and all of its output, run once for all secrets. */
const seen = new Map<string, Promise<{ program: Awaited<ReturnType<typeof run>>; said: string }>>();
function watch(values: Values, preview: boolean) {
    const key = JSON.stringify([values, preview]);
    const once = async () => {
        let program: Awaited<ReturnType<typeof run>>;
        const said = await overheard(async () => (program = await run(values, preview)));
        return { program: program!, said };
    };
    return seen.get(key) ?? seen.set(key, once()).get(key)!;
}

/** Wrong values of a secret. */
const WRONG: [string, (text: string) => unknown][] = [
    ["cut", (text) => text.slice(0, text.length / 2)],
    ["cut at its beginning", (text) => text.slice(20)],
    ["with literal \\n", (text) => text.replaceAll("\n", "\\n")],
    ["with blanks", (text) => ` ${text.replaceAll("\n", " ")} \u{7} `],
    ["in a list", (text) => [text]],
    ["as a name", (text) => ({ [text]: text })],
    ["as a value of two lines", (text) => ({ NAME: `${text}\n${text}` })],
    ["inside of a map", (text) => ({ NAME: { deeper: text } })],
    ["in quotes", (text) => JSON.stringify(text)],
];

describe.each(SECRETS)("%s", (name) => {
    let bird: string[];
    beforeAll(() => (bird = traces(secretOf(name))));
    const sings = (text: string) => bird.filter((piece) => text.includes(piece));

    test.each([
        ["an update", false],
        ["a preview", true],
    ])("is in nothing that %s shows", async (_, preview) => {
        const { program, said } = await watch(stacks[name], preview);
        expect(sings(said), "log").toEqual([]);
        // A preview does not know the machine's address, so it does not know the connection.
        if (!preview) expect(sings(JSON.stringify(program.registered)), "it reaches the machine").not.toEqual([]);
        for (const resource of program.registered) expect(sings(visible(resource)), resource.name).toEqual([]);
        expect(sings(visible(program.calls)), "lookups").toEqual([]);
        for (const [output, value] of Object.entries(program.outputs)) {
            const isHidden = pulumi.Output.isInstance(value) && (await pulumi.isSecret(value));
            if (!isHidden) expect(sings(visible(await valueOf(pulumi.output(value)))), output).toEqual([]);
        }
    });

    test("a step that has it shows no output", async () => {
        const { program } = await watch(stacks[name], false);
        for (const { inputs, additionalSecretOutputs, name: step } of program.registered) {
            if (!("stdin" in inputs)) continue;
            const hidden = isSecret(inputs.stdin);
            expect(sings(JSON.stringify(inputs.stdin)).length > 0 && !hidden, step).toBe(false);
            expect(inputs.logging, step).toBe(hidden ? "none" : "stdoutAndStderr");
            const outputs = additionalSecretOutputs.filter((output) => output.startsWith("std"));
            expect(outputs, step).toEqual(hidden ? ["stdout", "stderr"] : []);
        }
    });

    test("the reason why a step runs again does not contain it", async () => {
        const { program } = await watch(stacks[name], false);
        const texts = program.registered.flatMap(({ inputs }) => reveal<string | undefined>(inputs.stdin) ?? []);
        expect(texts.length).toBeGreaterThan(8);
        for (const stdin of texts) {
            const all = [...reasonsOf({}, { stdin }).own, ...reasonsOf({ stdin }, { stdin: "" }).own];
            expect(all.length).toBeGreaterThan(1);
            expect(sings(visible(all))).toEqual([]);
        }
    });

    test("an error of a lookup does not contain it", async () => {
        const values = { ...stacks[name], hostedZone: "linkmesh.example.com" };
        const said = await overheard(() => run(values, false));
        expect(said).toContain("hostedZone: this AWS account has no public hosted zone");
        expect(sings(said)).toEqual([]);
    });

    test.each(WRONG)("a wrong value is not repeated: %s", async (_, spoil) => {
        const wrong = config({ ...CONFIG, ...stacks[name], [name]: spoil(secretOf(name)) });
        const said = await overheard(() => {
            const keys = Object.entries(wrong).map(([key, value]) => [`linkmesh-proxy:${key}`, value]);
            pulumi.runtime.setAllConfig(Object.fromEntries(keys) as Record<string, string>);
            loadSettings("linkmesh-proxy");
        });
        expect(sings(said)).toEqual([]);
    });
});
