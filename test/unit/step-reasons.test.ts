import fc from "../any.ts";
import { describe, expect, test } from "vitest";
import { fingerprints } from "../../components/host/render/fingerprints.ts";
import { type StepText, readParts, renderStep } from "../../components/host/render/step.ts";
import { reasonsOf } from "../../components/host/step-reasons.ts";

const SCRIPT = "main() { id; }\n";
const BASE = { variables: { DOMAIN: "a.example.com", SIZE: "5" }, files: { "a.conf": "one\n", entries: 'A="b"\n' } };
const CONNECTION = { host: "192.0.2.1", privateKey: "key", dialErrorLimit: 10 };

const step = (given: Partial<StepText> = {}, script = SCRIPT) => renderStep({ name: "x", ...BASE, ...given }, script);
const inputs = (stdin: string | undefined, connection: object | undefined = CONNECTION) => ({
    stdin,
    connection: connection as Record<string, unknown> | undefined,
});

describe("why a step runs again", () => {
    test.each<[string, string, string[]]>([
        ["a variable", step({ variables: { ...BASE.variables, SIZE: "6" } }), ["variable SIZE"]],
        ["a file", step({ files: { ...BASE.files, "a.conf": "two\n" } }), ["file a.conf"]],
        ["the script", step({}, "main() { whoami; }\n"), ["script"]],
        [
            "several at once",
            step({ variables: { DOMAIN: "b", SIZE: "6" }, files: { ...BASE.files, entries: "" } }),
            ["variable DOMAIN", "variable SIZE", "file entries"],
        ],
        ["a variable removed", step({ variables: { DOMAIN: "a.example.com" } }), ["variable SIZE (removed)"]],
        ["a file added", step({ files: { ...BASE.files, more: "" } }), ["file more (added)"]],
        ["none of the text", step(), ["its command or connection"]],
    ])("%s", (_, text, expected) => {
        expect(reasonsOf(inputs(step()), inputs(text))).toEqual({ connection: false, own: expected });
    });

    test("text inside a part that looks like another part belongs to the part", () => {
        const value = (tail: string) => `x\n\nunpack() {\n    cat >"$FILES/b" <<'END_OF_FILE' &&\n'it''s${tail}`;
        const text = (tail: string) => step({ variables: { DOMAIN: value(tail) }, files: { entries: value("") } });
        expect(reasonsOf(inputs(text("1")), inputs(text("2"))).own).toEqual(["variable DOMAIN"]);
    });

    test("the connection, except the number of attempts, which is the step's own", () => {
        const text = step();
        const proxy = { ...CONNECTION, proxy: { host: "bastion.example.com" } };
        const all = { connection: true, own: [] };
        expect(reasonsOf(inputs(text), inputs(text, proxy))).toEqual(all);
        expect(reasonsOf(inputs(text), { stdin: text })).toEqual(all);
        expect(reasonsOf(inputs(text), inputs(step({ files: {} }), proxy))).toEqual({
            connection: true,
            own: ["file a.conf (removed)", "file entries (removed)"],
        });
        const tries = { ...CONNECTION, dialErrorLimit: 30 };
        expect(reasonsOf(inputs(text), inputs(text, tries))).toEqual({
            connection: false,
            own: ["its command or connection"],
        });
    });

    test("a text that the preview does not know, and one that the program does not write", () => {
        expect(reasonsOf(inputs(step()), inputs(undefined)).own).toEqual(["values that only the update knows"]);
        expect(reasonsOf(inputs("echo"), inputs(step({ files: {} }))).own).toEqual([
            "variable DOMAIN (added)",
            "variable SIZE (added)",
            "script",
        ]);
    });
});

test("any text is read unchanged", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("'", "END_OF_FILE\n", "\n\nunpack() {\n"));
    const word = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,9}$/).filter((name) => name !== "STEP");
    const file = fc.stringMatching(/^[a-z][a-z0-9.-]{0,9}$/);
    fc.assert(
        fc.property(fc.dictionary(word, text), fc.dictionary(file, text), (variables, files) => {
            const parts = readParts(renderStep({ name: "x", variables, files }, SCRIPT));
            const names = [
                ...Object.keys(variables).map((name) => `variable ${name}`),
                ...Object.keys(files).map((name) => `file ${name}`),
            ];
            expect([...parts.keys()]).toEqual([...names, "script"]);
            for (const [name, value] of Object.entries(files))
                expect(parts.get(`file ${name}`)).toBe(value === "" || value.endsWith("\n") ? value : `${value}\n`);
            for (const [name, value] of Object.entries(variables))
                expect(parts.get(`variable ${name}`)).toBe(`'${value.replaceAll("'", `'\\''`)}'`);
        }),
    );
});

describe("the fingerprints of a secret step", () => {
    const of = (text: string, key = "key one", name = "x") => fingerprints(name, text, key);
    const changed = (a: string[], b: string[]) => b.filter((word) => !a.includes(word)).map((w) => w.split("=")[0]);

    test("are one for each part, without its value", () => {
        expect(of(step()).map((word) => word.replace(/[0-9a-f]{12}$/, "…"))).toEqual([
            ...["DOMAIN=…", "SIZE=…", "a.conf=…", "entries=…", "script=…"],
        ]);
    });

    test("change only with their part, and return with its value", () => {
        const other = step({ files: { ...BASE.files, entries: 'A="c"\n' } });
        expect(changed(of(step()), of(other))).toEqual(["entries"]);
        expect(of(step())).toEqual(of(step()));
    });

    test("differ by key, step and part, so that nobody without the key can try values", () => {
        const everything = ["DOMAIN", "SIZE", "a.conf", "entries", "script"];
        expect(changed(of(step()), of(step(), "key two"))).toEqual(everything);
        expect(changed(of(step()), of(step(), "key one", "y"))).toEqual(everything);
        const [first, second] = of(renderStep({ name: "x", variables: { A: "1", B: "1" } }, SCRIPT));
        expect(first!.split("=")[1]).not.toBe(second!.split("=")[1]);
    });
});
