import { beforeAll, describe, expect, test } from "vitest";
import { parseSettings } from "../../components/settings/load.ts";
import { GOOD } from "./given-settings.ts";
import { CONFIG, isSecret, reveal, runProgram, type Registered } from "./program.ts";
import type { HostContext } from "../../components/host/context.ts";
import { STEPS } from "../../components/host/steps.ts";

// What runs on a machine behind a load balancer, without a data volume.

const program = "../lab/node-program/index.ts";
const DRAIN_SECONDS = 5;

const stepsOf = (all: Registered[]) => all.filter(({ type }) => type === "command:remote:Command");
const text = (step: Registered) => reveal<string>(step.inputs.stdin);

/** The steps by name. */
async function steps(config: Record<string, string> = {}, secretKeys: string[] = []): Promise<Map<string, Registered>> {
    const { registered } = await runProgram({ ...CONFIG, ...config }, { program, secretKeys });
    return new Map(stepsOf(registered).map((step) => [step.name.replace("linkmesh-", ""), step]));
}

let node: Map<string, Registered>;
beforeAll(async () => {
    node = await steps();
});

test("has all steps but those of the volume and of the public certificate, in their order", () => {
    const without = ["volume", "reachable", "own-certificate", "certificate"];
    const off = ["files", "session-manager", "metrics"];
    expect([...node.keys()]).toEqual(Object.keys(STEPS).filter((name) => ![...without, ...off].includes(name)));
});

test.each([
    ["its certificate is a folder of its own", "proxy", "CERTIFICATE='/etc/linkmesh-proxy/tls/current'"],
    ["health does not look for a data volume", "proxy", "\nDATA=/\n#!/bin/bash\n"],
])("%s", (_, step, line) => expect(text(node.get(step)!)).toContain(line));

test("needs no certbot", () => {
    expect(text(node.get("nginx")!)).not.toMatch(/^certbot'?$/m);
    expect(text(node.get("nginx")!)).toContain("MACHINE_PACKAGES='nginx\n");
});

test("each step has the time for drains", async () => {
    const { registered } = await runProgram();
    const limit = (step: Registered) => Number(/timeout --kill-after=300 (\d+)/.exec(step.inputs.create as string)![1]);
    const one = new Map(stepsOf(registered).map((step) => [step.name, limit(step)]));
    const compared = [...node.values()].filter(({ name }) => one.has(name));
    expect(compared.length).toBeGreaterThan(8);
    for (const step of compared) expect(limit(step)).toBe(one.get(step.name)! + 4 * DRAIN_SECONDS);
});

test("a machine without a data volume orders no certificate, which would go with it", () => {
    const host = { ipv4: "192.0.2.1", ipv6: undefined, user: "admin", device: undefined, ready: [] };
    const order = (settings: object) =>
        STEPS.certificate!({ settings: parseSettings({ ...GOOD, ...settings }), host } as unknown as HostContext);
    expect(() => order({})).toThrow(/^The machine has no data volume, .* or set tlsCertificate\.$/);
});

describe("the last step runs again", () => {
    const last = (of: Map<string, Registered>) => text(of.get("in-service")!);

    test.each<[string, Record<string, string>, string[]?]>([
        ["if LinkMesh's environment changes", { linkmeshEnvironment: '{"TOKEN":"x"}' }, ["linkmeshEnvironment"]],
        ["if nginx changes", { collectorsExpected: "100000" }],
        ["if a step is added", { linkmeshFiles: '{"ca.pem":"x"}' }, ["linkmeshFiles"]],
    ])("%s", async (_, config, secretKeys) => {
        expect(last(await steps(config, secretKeys))).not.toBe(last(node));
    });

    test("and not otherwise; nobody can guess a secret by what it is given", async () => {
        const secret = { linkmeshEnvironment: '{"TOKEN":"x"}' };
        const [one, other] = [
            await steps(secret, ["linkmeshEnvironment"]),
            await steps(secret, ["linkmeshEnvironment"]),
        ];
        expect(last(one)).toBe(last(other));
        expect(isSecret(one.get("in-service")!.inputs.stdin)).toBe(false);
        expect(last(one)).toMatch(/^BEFORE='[0-9a-f]{12}'$/m);
    });
});
