import { expect, test } from "vitest";
import { LISTENERS } from "../../components/listeners.ts";
import { SETTINGS } from "../../components/settings/settings.ts";

/** A load balancer has at most 500 targets, and each node is one of every listener, twice over while nodes are replaced. */
const MOST_NODES = Math.floor(500 / (2 * Object.keys(LISTENERS).length));

/** The least and the most that each setting takes, and what lies just outside. */
const BOUNDS: [keyof typeof SETTINGS, inside: unknown[], outside: unknown[]][] = [
    ["collectorsExpected", [1, 200_000], [0, 200_001]],
    ["sessionsPerAddress", [0, 65_535], [-1, 65_536]],
    ["vpcCidr", ["10.0.0.0/16", "10.0.0.0/28"], ["10.0.0.0/15", "10.0.0.0/29"]],
    ["dataVolumeSize", [1, 16_384], [0, 16_385]],
    ["dailySnapshots", [0, 365], [-1, 366]],
    ["nodes", [1, MOST_NODES], [0, MOST_NODES + 1]],
    ["drainSeconds", [30, 600], [29, 601]],
    ["tags", [{ ["k".repeat(128)]: "v" }], [{ ["k".repeat(129)]: "v" }, { "": "v" }]],
];

test.each(BOUNDS)("the bounds of %s", (name, inside, outside) => {
    const verdict = (value: unknown) => SETTINGS[name].schema.safeParse(value).success;
    expect(inside.map(verdict)).toEqual(inside.map(() => true));
    expect(outside.map(verdict)).toEqual(outside.map(() => false));
});

test("every setting with a range is in the table", () => {
    const ranged = Object.entries(SETTINGS)
        .filter(([, { type, description }]) => type === "integer" || /\bbetween \/\d+/.test(description))
        .map(([name]) => name);
    expect(BOUNDS.map(([name]) => name)).toEqual(expect.arrayContaining(ranged));
    expect(ranged.length).toBeGreaterThan(0);
});
