import { spawnSync } from "node:child_process";
import fc from "../any.ts";
import { expect, test } from "vitest";
import { parseSettings } from "../../components/settings/load.ts";
import { SETTINGS, type SettingName } from "../../components/settings/settings.ts";
import type { Value, Values } from "../../lab/providers/property-values.ts";
import { accepts, VALUES } from "./any-settings.ts";
import { GOOD, opened } from "./given-settings.ts";
import { TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, reveal, runProgram } from "./program.ts";
import { problems } from "./problems.ts";

// Arbitrary input for every setting.

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
