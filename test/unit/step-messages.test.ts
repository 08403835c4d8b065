import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stepHooks } from "../../components/host/step-hooks.ts";
import { announceNewMachine, reasonHook } from "../../components/host/step-reasons.ts";

/** The module whose functions the hooks' constructors call. */
const registration = createRequire(import.meta.url)("@pulumi/pulumi/runtime/resource.js") as typeof pulumi.runtime;
const parent = undefined as unknown as pulumi.Resource;
let said: string[];

beforeEach(() => {
    said = [];
    const say = (message: string) => (said.push(message), Promise.resolve());
    for (const level of ["info", "warn", "error"] as const) vi.spyOn(pulumi.log, level).mockImplementation(say);
    vi.spyOn(pulumi.runtime, "isDryRun").mockReturnValue(true);
    // An engine that accepts hooks and never calls them.
    vi.spyOn(pulumi.runtime, "getMonitor").mockReturnValue({ registerResourceHook: () => {} } as never);
    vi.spyOn(registration, "registerResourceHook").mockResolvedValue(undefined);
    vi.spyOn(registration, "registerErrorHook").mockResolvedValue(undefined);
});
afterEach(() => vi.restoreAllMocks());

/** Everything that the program says of a machine's steps. */
async function allOf(prefix: string, node?: string): Promise<string[]> {
    const machine = { prefix, node };
    const hooks = stepHooks(machine, "nginx", false, parent);
    const [before, after] = ["1", "2"].map((stdin) => ({ stdin, connection: { host: stdin } }));
    await hooks.afterCreate![0]!.callback({ newOutputs: { stdout: "warning: few files\n" } } as never);
    await hooks.onError![0]!.callback({ errors: ["after 10 failed attempts: dial tcp: i/o timeout"] } as never);
    const inputs = { name: `${prefix}-nginx`, oldInputs: before, newInputs: after };
    await reasonHook(machine, parent)!.callback(inputs as never);
    const instance = { id: pulumi.output(undefined) } as unknown as pulumi.CustomResource;
    announceNewMachine(machine, instance, "key", parent);
    await vi.waitFor(() => expect(said).toHaveLength(5), 30_000);
    return said.map((message) => message.replace(/^(step [^:]*: the machine does not answer).*/s, "$1"));
}

test("messages about steps name the machine if there are several", async () => {
    // Its name decides nothing.
    expect(await allOf("fleet-node-2")).toEqual([
        "step nginx: few files",
        "step nginx: the machine does not answer",
        "the connection to the machine changes: all steps run",
        "step nginx runs again: script",
        "the machine is new: all steps run",
    ]);
    said = [];
    expect(await allOf("linkmesh-node-2", "node-2")).toEqual([
        "step nginx on node-2: few files",
        "step nginx on node-2: the machine does not answer",
        "the connection to the machine node-2 changes: all steps run",
        "step nginx on node-2 runs again: script",
        "the machine node-2 is new: all steps run",
    ]);
});
