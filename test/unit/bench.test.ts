import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { compare, ratiosOf } from "../../bench/compare.ts";
import { renderPage, renderPlots, renderReadme } from "../../bench/document.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../../bench/measure.ts";
import { type Part, inTurn } from "../../bench/part.ts";
import { PARTS } from "../../bench/parts.ts";
import { renderPlot } from "../../bench/plot.ts";
import { type Result, readResults, resultText } from "../../bench/result.ts";
import { RIVALS } from "../../bench/rivals/rivals.ts";
import { renderResult } from "../../bench/tables.ts";

const dir = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => rmSync(dir, { recursive: true }));

const kilobytes = (subject: string, values: number[], goal?: number): Measure => ({
    name: "memory per session",
    subject,
    unit: "KiB",
    values,
    better: "less",
    goal,
});

function result(measures: Measure[], differs: Partial<Result> = {}): Result {
    return {
        part: "sessions",
        what: "sessions held",
        command: "npm run bench -- --only sessions",
        date: "2026-11-27T05:10:00.000Z",
        quick: false,
        machine: ["CPU: 2 × Example"],
        load: 0.2,
        measures,
        notes: [],
        ...differs,
    };
}

const HAPROXY = kilobytes("HAProxy", [50, 50, 50]);
const before = [result([kilobytes(THIS_PROGRAM, [40, 41, 42]), HAPROXY])];
const now = (values: number[]) => compare(before, [result([kilobytes(THIS_PROGRAM, values), HAPROXY])]);

test("a ratio got worse if its best run is worse than the worst one before", () => {
    expect(now([46, 47, 48])).toMatchObject([
        { part: "sessions", ratio: "memory per session: this program : HAProxy", before: { max: 0.84 } },
    ]);
    expect(now([41.9, 47, 48]), "its range reaches into the earlier one").toEqual([]);
    expect(now([20, 21, 22]), "better").toEqual([]);
});

test("a ratio whose median changed by 5 % or less did not get worse", () => {
    const one = (value: number) => [result([kilobytes(THIS_PROGRAM, [value]), kilobytes("HAProxy", [100])])];
    expect(compare(one(100), one(104))).toEqual([]);
    expect(compare(one(100), one(106))).toHaveLength(1);
});

test("of a figure that should be large, a smaller one is worse", () => {
    const requests = (value: number) => [
        result([
            { ...kilobytes(THIS_PROGRAM, [value]), better: "more" },
            { ...kilobytes("HAProxy", [100]), better: "more" },
        ]),
    ];
    expect(compare(requests(100), requests(80))).toHaveLength(1);
    expect(compare(requests(80), requests(100))).toEqual([]);
});

test("a ratio compares the values of one run, so that load on one run does not count", () => {
    const loaded = [kilobytes(THIS_PROGRAM, [40, 82, 42]), kilobytes("HAProxy", [50, 100, 50])];
    expect(ratiosOf(loaded)).toMatchObject([{ values: [0.8, 0.82, 0.84] }]);
    expect(compare(before, [result(loaded)])).toEqual([]);
});

test("errors whose goal is 0 are compared as they are, and seconds are not", () => {
    const dropped = (count: number) => ({ ...kilobytes(THIS_PROGRAM, [count], 0), name: "dropped", unit: "" });
    const seconds = (value: number) => ({ ...kilobytes(THIS_PROGRAM, [value]), name: "cold up", unit: "s" });
    const run = (count: number, value: number) => [result([dropped(count), seconds(value)])];
    expect(compare(run(0, 30), run(0, 300))).toEqual([]);
    expect(compare(run(0, 30), run(1, 30))).toMatchObject([{ ratio: "dropped: this program" }]);
});

test("results that have no ratio in common, or other sizes, are refused", () => {
    const others = [result([kilobytes(THIS_PROGRAM, [1]), kilobytes("Caddy", [2])])];
    expect(() => compare(before, others)).toThrow(/no ratio in common/);
    expect(() => compare(before, [{ ...before[0]!, quick: true }])).toThrow(/compare runs of one kind/);
});

test("a file or folder that has no results is refused in one sentence that names it", () => {
    const file = join(dir, "other.json");
    for (const text of ["{", "[]", "{}", JSON.stringify({ ...before[0], load: "much" })]) {
        writeFileSync(file, text);
        expect(() => readResults(file)).toThrow(
            /^\S*other\.json is no result of the benchmark \([^\n]*\): name a file/,
        );
    }
    expect(() => readResults(join(dir, "absent"))).toThrow(/absent does not exist/);
    rmSync(file);
    expect(() => readResults(dir)).toThrow(/contains no results/);
});

test("a result is read as it was written", () => {
    writeFileSync(join(dir, "sessions.json"), resultText(before[0]!));
    expect(readResults(dir)).toEqual(before);
    rmSync(join(dir, "sessions.json"));
});

test("a table has medians and spread, the ratio to each subject, and whether the goal is met", () => {
    const text = renderResult(
        result([kilobytes(THIS_PROGRAM, [41, 45, 39], 40), kilobytes("HAProxy", [50, 51, 49.123])]),
    );
    const cells = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    expect(cells).toContainEqual([
        "",
        "memory per session",
        THIS_PROGRAM,
        "3",
        "39",
        "41",
        "45",
        "KiB",
        "",
        "at most 40: **missed**",
        "",
    ]);
    expect(cells).toContainEqual(["", "", "HAProxy", "3", "49.1", "50", "51", "KiB", "0.820", "", ""]);
    expect(text).toMatch(/^`npm run bench -- --only sessions`, 2026-11-27; load average before the start: 0.2$/m);
    expect(renderResult(result([HAPROXY], { load: 3 }))).toContain("**taken under load**");
});

test("a plot is the same each time, has both colour schemes, and draws each subject", () => {
    const panel = { part: "sessions", measures: [kilobytes(THIS_PROGRAM, [41, 45, 39], 40), HAPROXY] };
    const first = renderPlot(panel)!;
    expect(renderPlot({ ...panel, part: "other" })).not.toBe(first);
    expect(renderPlot(panel)).toBe(first);
    expect(first).toContain("@media (prefers-color-scheme:dark)");
    for (const text of ["memory per session, KiB", "goal: 40", THIS_PROGRAM, "HAProxy"]) expect(first).toContain(text);
    expect(renderPlot({ part: "sessions", measures: [HAPROXY] }), "nothing to compare").toBeUndefined();
});

test("what shows that the benchmark is sound is in the table, and neither compared nor drawn", () => {
    const clients = [THIS_PROGRAM, "HAProxy"].map((subject) => ({ ...kilobytes(subject, [4]), aside: true as const }));
    expect(ratiosOf(clients)).toEqual([]);
    expect(renderPlot({ part: "sessions", measures: clients })).toBeUndefined();
    expect(renderResult(result(clients))).toContain("| HAProxy");
});

test("the axis of a plot ends at a round number and shows the goal", () => {
    const texts = (measures: Measure[]) =>
        [...renderPlot({ part: "sessions", measures })!.matchAll(/>([\d,.]+)<\/text>/g)].map(([, text]) => text);
    expect(texts([kilobytes(THIS_PROGRAM, [116.3153]), HAPROXY])).toEqual(
        expect.arrayContaining(["0", "50", "100", "150"]),
    );
    expect(texts([kilobytes(THIS_PROGRAM, [116.3153]), HAPROXY])).not.toContain("116.3153");
    expect(texts([kilobytes(THIS_PROGRAM, [8], 40), kilobytes("HAProxy", [9])])).toContain("40");
    expect(texts([kilobytes(THIS_PROGRAM, [21_456.7]), kilobytes("HAProxy", [23_000])])).toContain("21,457");
});

test("the subjects of a comparison stand side by side, in the order of the runs", () => {
    const measures = new Measures();
    for (const [subject, name, value] of [
        ["a", "x", 1],
        ["a", "y", 2],
        ["b", "x", 3],
        ["a", "x", 4],
    ] as const)
        measures.add(subject, name, value, { unit: "", better: "less" });
    expect(measures.list().map(({ name, subject, values }) => [name, subject, values])).toEqual([
        ["x", "a", [1, 4]],
        ["x", "b", [3]],
        ["y", "a", [2]],
    ]);
});

test("the page gets a table for each part, and says how to measure one that has no result", () => {
    const page = PARTS.map(({ name }) => `<!-- bench ${name} -->\nstale\n<!-- /bench ${name} -->\n`).join("prose\n");
    const { name } = PARTS[0]!;
    const text = renderPage(page, new Map([[name, result([HAPROXY], { part: name })]]));
    expect(text).toContain("| HAProxy");
    expect(text).toContain(`npm run bench -- --only ${PARTS[1]!.name}\``);
    expect(text).not.toContain("stale");
    expect(() => renderPage("", new Map())).toThrow(/there are no markers/);
});

test("each part has a name of its own and takes less time when it is quick", () => {
    expect(new Set(PARTS.map(({ name }) => name)).size).toBe(PARTS.length);
    for (const { minutes } of PARTS) expect(minutes.quick).toBeLessThan(minutes.full);
    const total = (kind: "full" | "quick") => PARTS.reduce((sum, { minutes }) => sum + minutes[kind], 0);
    expect(total("full")).toBeLessThanOrEqual(65);
    expect(total("quick")).toBeLessThanOrEqual(5);
});

test("a part that fails does not keep the others from being measured, unless the user interrupted it", async () => {
    const [first, second, third] = PARTS as [Part, Part, Part];
    const measured: Part[] = [];
    const measure = (part: Part) => {
        if (part === second) return Promise.reject(new Error("no"));
        measured.push(part);
        return Promise.resolve();
    };
    const failures: unknown[] = [];
    await inTurn([first, second, third], measure, (error) => Promise.resolve(void failures.push(error)));
    expect(measured).toEqual([first, third]);
    expect(failures).toEqual([new Error("no")]);
    await expect(inTurn([second, first], measure, (error) => Promise.reject(error as Error))).rejects.toThrow("no");
    expect(measured).toHaveLength(2);
});

test("the README shows the main plot once there are sessions, of the size that all subjects have", () => {
    const marked = "<!-- plot -->\n<!-- /plot -->\n";
    expect(renderReadme(marked, new Map())).not.toContain("main.svg");
    const sized = (measure: Measure, count: string) => ({ ...measure, name: `memory per session, ${count} sessions` });
    const all = [kilobytes(THIS_PROGRAM, [40]), HAPROXY].flatMap((one) => [sized(one, "8,000"), sized(one, "50,000")]);
    const results = new Map([["sessions", result(all)]]);
    expect(renderReadme(marked, results)).toContain("(docs/benchmarks/main.svg)");
    const main = renderPlots(results).find(({ file }) => file === "docs/benchmarks/main.svg")!.text;
    expect(main).toContain("8,000 sessions");
    expect(main).not.toContain("50,000 sessions");
});

test("each rival's configuration reads the certificate that it is given", () => {
    for (const { name, files, certificate, configure } of RIVALS) {
        const text = [...Object.values(files), configure(1000)].join("\n");
        for (const path of Object.keys(certificate({ certificate: "", key: "" }))) {
            const folder = path.slice(0, path.lastIndexOf("/"));
            expect(text, `${name}: ${path}`).toContain(folder);
        }
    }
});

test("each rival's change concerns a setting that its configuration has", () => {
    const edits = RIVALS.flatMap(({ name, files, change }) =>
        [...change(1000, 1).matchAll(/^sed -i 's\/\\\((.*)\\\) .*' (\S+)$/gm)].map(([, setting, path]) => {
            expect(files[path!], name).toContain(`${setting} `);
            return name;
        }),
    );
    expect(edits).toEqual(["guide", "HAProxy", "Caddy"]);
});
