import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BALANCER, FLEET, MACHINES } from "../../docs/limits.ts";
import { TIER_PRICES } from "../../docs/prices.ts";
import { capacityUnits, load, machineFor, memory, nodesFor, rollingChange, tierCost } from "../../docs/scale.ts";
import { SETTINGS } from "../../components/settings/settings.ts";

const page = readFileSync(new URL("../../docs/scale.md", import.meta.url), "utf8");

// By hand, from the figures on the page.
test("100,000 collectors: what they send, hold and cost", () => {
    expect(load(100_000).heartbeats).toBeCloseTo(3_333.3, 1);
    expect(load(100_000).writes).toBeCloseTo(6_666.7, 1);
    // (300 + 4,096) bytes each 30 seconds.
    expect(load(100_000).gigabytes).toBeCloseTo(52.75, 2);
    // 117 KiB a session, and half a GiB.
    expect(memory(100_000)).toBeCloseTo(11.66, 2);
    expect([machineFor(10_000), machineFor(100_000), machineFor(1_000_000)]).toEqual([
        "t3.medium",
        "m7g.xlarge",
        undefined,
    ]);
    // 5.9 of 8 GiB are for sessions of 129 KiB, which is 47,957. With 5 nodes, the last one has 48,828 before its turn, and 6
    // have 41,472.
    expect([nodesFor(1_000), nodesFor(100_000), nodesFor(1_000_000)]).toEqual([3, 6, 57]);
    // nginx spreads 10,000 over 20 seconds, and more than 30,000 over a minute.
    expect([load(10_000).storm, Math.round(load(100_000).storm)]).toEqual([500, 1_667]);
    // 52.75 units at $0.006, and the hours and three addresses of the load balancer.
    expect(tierCost(100_000, "tls").balancer).toBeCloseTo(52.752 * 0.006 * 730 + 0.0225 * 730 + 3 * 3.65, 1);
});

test.each([
    ["active connections", 300_000, "tls", 1, 100],
    ["active connections", 300_000, "tcp", 1, 3],
    ["traffic", 300_000, "tcp", 7, 7],
] as const)(
    "capacity units follow from %s: %i collectors over %s with %i GB/h take %i",
    (_, collectors, listener, gigabytes, units) => expect(capacityUnits(collectors, listener, gigabytes)).toBe(units),
);

describe("a rolling change", () => {
    test("of 2 and 3 nodes, by hand", () => {
        expect(rollingChange(2)).toEqual({ most: 1, after: [1, 0] });
        // 1/3 1/3 1/3, 0 1/2 1/2, 1/4 0 3/4, 5/8 3/8 0.
        const { most, after } = rollingChange(3);
        expect(most).toBeCloseTo(3 / 4);
        for (const [node, share] of [5 / 8, 3 / 8, 0].entries()) expect(after[node]).toBeCloseTo(share);
    });

    test.each([2, 3, 5, 10, 50])("of %i nodes loses no session, and the peak is that of the formula", (nodes) => {
        const { most, after } = rollingChange(nodes);
        expect(after.reduce((sum, share) => sum + share)).toBeCloseTo(1);
        expect(most).toBeCloseTo((1 + 1 / (nodes - 1)) ** (nodes - 1) / nodes);
    });

    test("leaves room for the sessions of the fullest node, whatever the fleet", () => {
        for (const collectors of [10, 52_000, 105_000, 106_000, 400_000, 2_000_000]) {
            const nodes = nodesFor(collectors);
            const needed = (count: number) => memory(collectors * rollingChange(count).most, FLEET.nodeNginxMemory);
            expect(needed(nodes), String(collectors)).toBeLessThanOrEqual(8 * 0.8);
            expect(nodes === 3 || needed(nodes - 1) > 8 * 0.8, `${collectors} need no further node`).toBe(true);
        }
    });
});

describe("docs/scale.md", () => {
    test("says what the table says", () => {
        const withoutMetrics = (collectors: number) => {
            return Math.round(tierCost(collectors, "tls", { metrics: false }).sum).toLocaleString("en");
        };
        expect(page).toContain(`costs $${withoutMetrics(100_000)} and $${withoutMetrics(1_000_000)} a month`);
        const [heavy, assumed] = [200, FLEET.linkmeshMemory.value];
        const more = memory(100_000) + (100_000 * (heavy - assumed)) / 1024 ** 2;
        expect(page).toContain(
            `If it is ${heavy} KiB instead of the assumed ${assumed}, 100,000 collectors need ${more.toFixed(1)} GiB`,
        );
        expect(page).toContain(`it is ${Math.round(load(1_000_000).writes).toLocaleString("en")} a second`);
        const { gigabytes } = load(1e6, { metrics: false });
        const times = capacityUnits(1e6, "tls", gigabytes) / capacityUnits(1e6, "tcp", gigabytes);
        expect([Math.round(times), page.includes("need nine times as many units")]).toEqual([9, true]);
        expect(page).toContain(`would be $${Math.round(3 * TIER_PRICES["m7g.xlarge"].dollars * 730)} a month`);
        expect(SETTINGS.collectorsExpected.schema.safeParse(200_001).success).toBe(false);
        expect(page).toContain("`collectorsExpected` is at most 200,000");
    });

    test("each figure has a source, or is said to be an assumption or from memory", () => {
        const all = [BALANCER, FLEET, MACHINES, TIER_PRICES].flatMap((figures) =>
            Object.values<{ source: string; date: string }>(figures),
        );
        for (const { source, date } of all) expect(source === "assumption" || date !== "", source).toBe(true);
    });
});
