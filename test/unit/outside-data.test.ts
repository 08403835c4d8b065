import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import fc from "../any.ts";
import { expect, test } from "vitest";
import { judgeLimits } from "../../checks/limits.ts";
import { findChecks } from "../../checks/outputs.ts";
import { pulumiCause } from "../../checks/pulumi.ts";
import { judgeRenewal } from "../../checks/renewal.ts";
import { render } from "../../checks/report.ts";
import { judgeRestart } from "../../checks/restart.ts";
import { judgeServed } from "../../checks/served.ts";
import { targetOf } from "../../checks/stack.ts";
import type { Verdict } from "../../checks/types.ts";
import { UsageError } from "../../checks/usage-error.ts";
import { validate } from "../../checks/validate.ts";
import { readFacts } from "../../doctor/facts.ts";
import { judge } from "../../doctor/index.ts";
import { hostOf } from "../../doctor/judges/certificates.ts";
import { judgeSnapshots, lookForSnapshot, readSnapshots } from "../../doctor/judges/snapshot.ts";
import { judgePreview } from "../../doctor/preview.ts";
import { commentOn } from "../../preview/comment.ts";
import { InvalidPreview, readPreview } from "../../preview/preview.ts";

// What other programs and machines print may be anything: it gets a verdict, or an error in one sentence, and no exception
// with a stack trace. test/host/checks-any.test.ts does the same with servers.

const NOW = 1_795_742_474;

const CHECKS = {
    host: "linkmesh.example.test",
    ...{ uiHost: "ui.example.test", ipv4: "203.0.113.10", ipv6: "2001:db8::10" },
    grpc: { host: "grpc.example.test", port: 443 },
    ...{ http: true, ownCertificate: false, ca: rootCertificates[0]!, paused: false, dailySnapshots: 7 },
    ssh: {
        ...{ host: "203.0.113.10", user: "admin", hostKey: "ssh-ed25519 AAAAhost", generatedKey: true },
        bastion: { host: "192.0.2.1", user: "jump", hostKey: "ssh-ed25519 AAAAb" },
    },
};

/** A value that was missed, as JavaScript prints it. */
const MISSED = /\b(undefined|NaN|Infinity|Invalid Date|object Object)\b/;

function expectSentences(verdicts: readonly Verdict[], given: string): void {
    expect(verdicts.length).toBeGreaterThan(0);
    for (const { status, detail, hint = "" } of verdicts) {
        expect(["ok", "warn", "fail"]).toContain(status);
        expect(detail).not.toBe("");
        if (!MISSED.test(given)) expect(`${detail}\n${hint}`).not.toMatch(MISSED);
    }
}

// --- text, from a good one

/** Words and lines that programs print where another one is expected. */
const junk = fc.oneof(
    fc.constantFrom(
        ...["", "-", "0", "-1", "1e999", "99999999999999999999", "NaN", "%", "\t", " ", "\r", "\0", "\u2028"],
    ),
    fc.string({ unit: "binary", maxLength: 12 }),
);

/** The text after a few changes: a word replaced, a line gone, twice, cut or foreign. */
function spoilt(good: string): fc.Arbitrary<string> {
    const change = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom("word", "gone", "twice", "cut", "line", "rest"), junk);
    return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) =>
        changes
            .reduce((lines, [at, within, how, other]) => {
                const index = at % Math.max(1, lines.length);
                const line = lines[index] ?? "";
                const words = line.split(/(?<=[\s:=,])|(?=[\s:=,])/);
                const word = words.with(Math.min(within % Math.max(1, words.length), words.length - 1), other).join("");
                const now = {
                    word: [word],
                    gone: [],
                    twice: [line, line],
                    cut: [line.slice(0, within % (line.length + 1))],
                    line: [line, other],
                    rest: [other],
                }[how];
                return how === "rest" ? [...lines.slice(0, index), other] : lines.toSpliced(index, 1, ...now);
            }, good.split("\n"))
            .join("\n"),
    );
}

const WELL = readFileSync(join(import.meta.dirname, "doctor-facts.txt"), "utf8");
/** All kinds of differences, beside the facts of a machine that is well. */
const DIFFERENCES = [
    ...["file", "block", "value", "keys", "package", "hold", "version", "unit"].map(
        (kind) => `differs\tproxy\t${kind}\t/etc/x y\tenabled active\tdisabled inactive\t${NOW}`,
    ),
    ...["folder /srv/linkmesh 100 /srv/linkmesh/a", "ports 127.0.0.1:8080 7", "elsewhere /data", "writes /opt/x"],
    ...["net.core.somaxconn\t4096\t128", "installed 6.1.0-9-cloud-amd64", "Inst nginx [1] (2 Debian-Security:13)"],
    `${NOW} https://acme-v02.api.letsencrypt.org/directory a.example.com,b.example.com`,
    ...["nginx.service /etc/systemd/system/x.conf", 'limiting connections by zone "linkmesh_all" client: ::1'],
];
const facts = fc
    .array(fc.tuple(fc.nat(), fc.constantFrom(...DIFFERENCES)), { maxLength: 12 })
    .map((extra) =>
        extra.reduce((lines, [at, line]) => lines.toSpliced(at % lines.length, 0, line), WELL.split("\n")).join("\n"),
    )
    .chain((text) => fc.oneof(spoilt(text), fc.constant(text)));

test("doctor judges whatever the machine prints", () => {
    fc.assert(
        fc.property(fc.oneof({ weight: 9, arbitrary: facts }, fc.string({ unit: "binary" })), (text) => {
            const read = readFacts(text.replace(/^== (.*)$/gm, uniquely()), "==");
            expectSentences(judge(read, { began: NOW, ended: NOW + 8 }), text);
            expect(hostOf(read)).not.toBe("");
        }),
        {
            numRuns: 500,
            examples: [
                ["== host\nlinkmesh-proxy/lab/linkmesh \n"],
                [`== start\n1e999\n== end\n${NOW}\n`],
                [`== orders\n${NOW} https://acme-v02.api.letsencrypt.org/directory\n`],
                ["== expected\ndiffers\tproxy\tfile\t/etc/x\ta\tb\tyesterday\n"],
                ["== expected\ndiffers\tproxy\tunit\tnginx.service\n"],
            ],
        },
    );
});

/** A second section of a name is refused as a whole, which is a test of its own. */
function uniquely() {
    const names = new Set<string>();
    return (line: string, name: string) => (names.has(name) ? "" : (names.add(name), line));
}

const SHOWN = WELL.split(/^== (?:renewal|restart|limits|served|complete)\n/m);
test.each<[string, string, (text: string) => Verdict]>([
    ["renewal", SHOWN[1]!, judgeRenewal],
    ["restart", "nginx nginx\nnginx libssl.so.3\nreboot linux-image\n", judgeRestart],
    ["limits", 'limiting connections by zone "linkmesh_all", client: 192.0.2.7\n', judgeLimits],
    ["served", SHOWN[4]!, (text) => judgeServed(text, "linkmesh.example.test")],
])("check %s judges whatever the machine prints", (_, good, judgeText) => {
    fc.assert(
        fc.property(fc.oneof(spoilt(good), fc.string({ unit: "binary" })), (text) =>
            expectSentences([judgeText(text)], text),
        ),
        { numRuns: 300 },
    );
});

test("the cause of an error of the CLI is a sentence, whatever it prints", () => {
    fc.assert(
        fc.property(fc.oneof(spoilt("error: no stack named 'x' found\nAccessDenied: no"), fc.string()), (text) => {
            expect(pulumiCause(text).trim()).not.toBe("");
        }),
        { examples: [["."]] },
    );
});

// --- JSON, from a good one

/** The value with some of its parts replaced or left out, at any depth. */
function spoiltJson(good: unknown): fc.Arbitrary<unknown> {
    const other = fc.oneof(
        fc.constantFrom(
            null,
            true,
            0,
            -1,
            1e21,
            "",
            "[secret]",
            [],
            {},
            "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
            "__proto__",
        ),
        fc.jsonValue({ maxDepth: 2 }),
    );
    const replace = (value: unknown, path: number[], put: unknown, drop: boolean): unknown => {
        if (typeof value !== "object" || value === null || path.length === 0) return put;
        const keys = Object.keys(value);
        if (keys.length === 0) return put;
        const key = keys[path[0]! % keys.length]!;
        const inner = (value as Record<string, unknown>)[key];
        if (drop && path.length === 1) {
            if (Array.isArray(value)) return value.filter((one) => one !== inner);
            return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
        }
        const now = replace(inner, path.slice(1), put, drop);
        if (Array.isArray(value)) return value.with(Number(key), now);
        return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === key ? now : one]));
    };
    const change = fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), other, fc.boolean());
    return fc
        .array(change, { minLength: 1, maxLength: 3 })
        .map((changes) => changes.reduce<unknown>((value, [path, put, drop]) => replace(value, path, put, drop), good));
}

const anyText = (good: unknown) =>
    fc.oneof(
        { weight: 8, arbitrary: spoiltJson(good).map((value) => JSON.stringify(value)) },
        fc.json(),
        fc.string({ unit: "binary" }),
        fc.nat().map((end) => JSON.stringify(good).slice(0, end % JSON.stringify(good).length)),
    );

/** What it gives, or undefined for an error that tells the user in one sentence. */
function orSentence<T>(run: () => T, kind: new (message: string) => Error): T | undefined {
    try {
        return run();
    } catch (error) {
        expect(error).toBeInstanceOf(kind);
        expect((error as Error).message).toMatch(/^\S.*\S$/s);
        return undefined;
    }
}

const PREVIEWS = join(import.meta.dirname, "previews");
const previews = readdirSync(PREVIEWS).map(
    (name) => JSON.parse(readFileSync(join(PREVIEWS, name), "utf8")) as { steps: unknown[] },
);

test("a preview of any JSON becomes a comment and findings, or one sentence", () => {
    // A few steps each, because whole previews are large.
    const few = previews.map(({ steps, ...rest }) => ({ ...rest, steps: steps.slice(0, 6) }));
    fc.assert(
        fc.property(fc.constantFrom(...few).chain(anyText), (text) => {
            const preview = orSentence(() => readPreview(text), InvalidPreview);
            if (!preview) return;
            expect(commentOn(preview, "staging")).toMatch(/^<!-- linkmesh-proxy preview of staging -->\n### Preview/);
            expectSentences(judgePreview(preview, {}), text);
        }),
        {
            numRuns: 300,
            examples: [[JSON.stringify({ steps: [{ op: "__proto__", urn: "a::b::c::d", newState: {} }] })]],
        },
    );
});

test("any outputs of a stack become targets, or one sentence", () => {
    const outputs = { publicUrl: "https://linkmesh.example.test", checks: CHECKS, sshPrivateKey: "[secret]" };
    fc.assert(
        fc.property(fc.oneof(anyText(outputs), anyText({ blue: outputs })), (text) => {
            for (const { checks, path } of orSentence(() => findChecks(text, "x.json"), UsageError) ?? []) {
                expect(path.length).toBeGreaterThan(0);
                orSentence(() => validate(targetOf(checks), []), UsageError);
            }
        }),
        { numRuns: 300 },
    );
});

test("snapshots of any JSON are judged, or said to be unreadable", () => {
    const printed = { Snapshots: [{ StartTime: "2026-11-26T03:00:00.000Z", State: "completed" }] };
    fc.assert(
        fc.property(anyText(printed), fc.boolean(), (text, scheduled) => {
            const snapshots = readSnapshots(text);
            if (typeof snapshots !== "string") expectSentences([judgeSnapshots(snapshots, NOW, scheduled)], text);
        }),
        { numRuns: 500 },
    );
});

test("a report of any finding is JSON, or Markdown whose lines are its table", async () => {
    await fc.assert(
        fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
            const verdict = await lookForSnapshot(readFacts(WELL, "=="), () => Promise.resolve(text), NOW, true);
            const report = { host: text, results: [{ name: "snapshot", ...verdict }] };
            expect(JSON.parse(render("json", "doctor", [report]))).toHaveProperty("hosts");
            expect(render("markdown", "doctor", [report]).split("\n")).toHaveLength(5);
        }),
    );
});
