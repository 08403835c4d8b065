import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "../any.ts";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { renderConfig } from "../../components/host/render/linkmesh.ts";
import { SCRIPTS } from "../scripts/files.ts";
import { linkmeshConfigs } from "../unit/any-settings.ts";

// The merge of config.yaml with any file on the machine and any keys of the user: a result, or one sentence.

interface Case {
    base: string;
    overlay: string;
    record?: string;
}
/** What was printed, the sentence with which the script ended, or an exception that nobody caught. */
interface Outcome {
    printed?: string;
    refused?: string;
    raised?: string;
}

/** Runs the script for each case in one process, since a start of Python takes longer than a merge. */
const DRIVER = `
import contextlib, io, json, os, runpy, sys, tempfile
script = sys.argv[1]
for case in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        for name, key in (("config.yaml", "base"), ("overlay", "overlay"), ("old", "record")):
            with open(at(name), "wb") as file:
                file.write(case.get(key, "").encode("utf-8", "surrogateescape"))
        sys.argv = [script, at("config.yaml"), at("overlay"), folder, at("old")]
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                runpy.run_path(script, run_name="__main__")
            outcome = {"printed": out.getvalue()}
        except SystemExit as end:
            outcome = {"refused": str(end)}
        except BaseException as error:
            outcome = {"raised": repr(error)}
        print(json.dumps(outcome))
`;

function merge(cases: readonly Case[]): Outcome[] {
    const text = execFileSync("/usr/bin/python3", ["-c", DRIVER, join(SCRIPTS, "merge_config.py")], {
        input: JSON.stringify(cases),
        encoding: "utf8",
    });
    return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Outcome);
}

const SHIPPED = readFileSync(join(SCRIPTS, "../../../lab/linkmesh/package/etc/linkmesh/config.yaml"), "utf8");

/** YAML that somebody may have written on the machine, or something else. */
const PIECES = [
    ...[
        "- a\n",
        "text\n",
        "a: [1\n",
        "a: 1\na: 2\n",
        "---\nb: 2\n",
        "a: !secret x\n",
        "a: &a\n  b: *a\n",
        "? [a, b]\n: 1\n",
    ],
    ...[
        "grpc:\n  <<: *d\n",
        "d: &d {port: 1}\n",
        "http: 2026-01-01T00:00:00Z\n",
        "http: !!set {x, y}\n",
        "http: !!binary aGk=\n",
    ],
    ...[
        "grpc: !x {port: 1}\n",
        "a:\t- 1\n",
        "a: \u0001\n",
        "%YAML 3.0\n",
        "a: .nan\n",
        "a: !!int b\n",
        "\udcff",
        "\ufeff",
        "grpc:\n",
        "http: 7\n",
    ],
    ...[`a: ${"[".repeat(2_000)}\n`, "externalUrl: |\n  x\n", "'<<': 1\n", "1: x\n", "~: x\n"],
];
const written = fc
    .tuple(
        fc.constantFrom("", SHIPPED),
        fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary" })), { maxLength: 3 }),
        fc.nat(),
    )
    .map(
        ([whole, pieces, at]) =>
            whole.slice(0, at % (whole.length + 1)) + pieces.join("") + whole.slice(at % (whole.length + 1)),
    );
const record = fc.oneof(
    fc.constantFrom(
        "",
        "- x\n",
        "{",
        "- [[[1, 2], a], 3]\n",
        "- [[{x: 1}]]\n",
        "- []\n",
        "- [[]]\n",
        "- [[grpc, port], 5]\n",
    ),
    fc.jsonValue().map((value) => JSON.stringify(value)),
);
const rendered = (extra: Record<string, unknown>) =>
    renderConfig({ domain: "linkmesh.example.com", grpc: undefined, extra });
/** Of settings that are valid, or of any keys. */
const overlay = linkmeshConfigs.map(rendered);
const anyOverlay = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 2 })).map(rendered);
/** Many in one run of Python. */
const many = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 30, maxLength: 30 });

test("any file, keys and record are merged, or refused in one sentence that says what to do", () => {
    fc.assert(
        fc.property(many(fc.record({ base: written, overlay: anyOverlay, record })), (cases) => {
            for (const { printed, refused, raised } of merge(cases)) {
                expect(raised).toBeUndefined();
                if (printed !== undefined) continue;
                expect(refused).toMatch(
                    /^[^\n]*(pulumi up again\.|linkmeshConfig\.|change the setting\.|stay as they are\.)$/,
                );
            }
        }),
        { numRuns: 1, endOnFailure: true },
    );
});

test.each<[string, Case, RegExp]>([
    ["a list", { base: "- a\n", overlay: "b: 1\n" }, /config\.yaml holds no keys/],
    [
        "a key twice, whose values stay untold",
        { base: "a: pass\na: word\n", overlay: "b: 1\n" },
        /\(line 2: found duplicate key "a"\)/,
    ],
    ["not UTF-8", { base: "a: \udcff\n", overlay: "b: 1\n" }, /\(not UTF-8\)/],
    [
        "a value of another kind in the way",
        { base: "a: {b: !secret x}\n", overlay: "a: {b: 1}\n" },
        /the value of a\.b /,
    ],
    [
        "a broken record",
        { base: "a: 1\n", overlay: "b: 1\n", record: "- x\n" },
        /old is not as the step config wrote it/,
    ],
])("%s is refused by name", (_, one, sentence) => {
    const [outcome] = merge([one]);
    expect(outcome!.refused).toMatch(sentence);
});

test("any keys of the user are in the file as set, whichever version of YAML reads it", () => {
    fc.assert(
        fc.property(many(overlay), (overlays) => {
            const outcomes = merge(overlays.map((one) => ({ base: SHIPPED, overlay: one })));
            for (const [index, { printed, refused, raised }] of outcomes.entries()) {
                expect([refused, raised]).toEqual([undefined, undefined]);
                // -0 is 0 in YAML.
                const wanted = JSON.parse(JSON.stringify(parse(overlays[index]!))) as object;
                for (const version of ["1.1", "1.2"] as const)
                    expect(parse(printed!, { version })).toMatchObject(wanted);
            }
        }),
        { numRuns: 1, endOnFailure: true },
    );
});
