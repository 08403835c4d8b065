import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { monthly, WITHOUT_NUMBER } from "../../docs/costs.ts";
import { path } from "../../docs/generate.ts";
import { WATCHED_ITEMS } from "../../components/metrics.ts";

/** "$3.65" as [3.65, 2]: the number and its decimals. */
function amounts(text: string): [amount: number, decimals: number][] {
    return [...text.matchAll(/\$(\d+(?:\.(\d+))?)/g)].map(([, all, decimals = ""]) => [Number(all), decimals.length]);
}

const inside = (folder: string) => readdirSync(path(folder)).map((name) => `${folder}/${name}`);

// docs/alarms.md has parts of the sum. Generated files repeat the settings' descriptions.
const files = ["README.md", "docs/operations.md", ...inside("components/settings/schema")].concat(
    inside("components/cloud").filter((file) => file.endsWith(".ts")),
);

test("every amount in the settings and the documents is one of docs/costs.md", () => {
    const computed = amounts(readFileSync(path("docs/costs.md"), "utf8")).map(([amount]) => amount);
    const said = files.flatMap((file) =>
        amounts(readFileSync(path(file), "utf8")).map(([amount, decimals]) => ({ file, amount, decimals })),
    );
    expect(said.length).toBeGreaterThan(8);
    const unknown = said.filter(
        ({ amount, decimals }) => !computed.some((one) => one.toFixed(decimals) === amount.toFixed(decimals)),
    );
    expect(unknown).toEqual([]);
});

test("docs/alarms.md adds up to what docs/costs.md says", () => {
    const costs = readFileSync(path("docs/costs.md"), "utf8");
    const [, more] = /`alarms=[^|]*\|[^|]*\| \+(\$[\d.]+)/.exec(costs)!;
    const [, remain] = /difference above, (\$[\d.]+) remain/.exec(costs)!;
    expect(readFileSync(path("docs/alarms.md"), "utf8")).toContain(`| **${more!}** | **${remain!} remain** |`);
});

test("an item has one metric if `health` gives it no number, and two otherwise", () => {
    const health = readFileSync(path("components/host/scripts/machine/health.sh"), "utf8");
    const numbered = new Set([...health.matchAll(/^ +(?:ok|wrong) (\w+) "\$/gm)].map(([, name]) => name!));
    const all = Object.keys(WATCHED_ITEMS);
    expect(all.filter((name) => !numbered.has(name))).toEqual(WITHOUT_NUMBER);
    const metrics = 2 * all.length - WITHOUT_NUMBER.length;
    expect(readFileSync(path("docs/alarms.md"), "utf8")).toContain(`| ${metrics} metrics | `);
});

test("a type of resource without a price is no resource for nothing", () => {
    expect(() => monthly([{ type: "aws:rds/instance:Instance", inputs: {} }])).toThrow(
        "docs/costs.ts does not say what aws:rds/instance:Instance costs",
    );
});
