import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { unhandled } from "./canary.ts";
import { CONFIG, isSecret, type Registered, runProgram, valueOf } from "./program.ts";
import { USUAL_STEPS } from "../usual-steps.ts";

// Two programs of fifty resources each.

const program = "./linkmesh-program.ts";
type Outputs = Record<string, pulumi.Output<unknown>>;

/** A resource without its parent, because the component adds one level. */
const placed = ({ type, name, inputs }: Registered) => ({ type, name, inputs });
const byName = (a: Registered, b: Registered) => a.name.localeCompare(b.name) || a.type.localeCompare(b.type);

test("LinkMesh creates what the program itself creates, with the same names, below itself", async () => {
    const own = await runProgram(
        { ...CONFIG, acmeEmail: "", linkmeshEnvironment: '{"TOKEN":"hunter2"}' },
        { secretKeys: ["linkmeshEnvironment"] },
    );
    const { registered } = await runProgram(
        { ...CONFIG, withToken: "true", token: "hunter2" },
        { program, secretKeys: ["token"] },
    );
    const [component] = registered.filter(({ type }) => type === "linkmesh-proxy:index:LinkMesh");
    const proxy = registered.find(({ type }) => type === "linkmesh-proxy:index:LinkMeshProxy")!;
    expect(proxy.parent).toMatch(/linkmesh-proxy:index:LinkMesh::linkmesh$/);
    const others = registered.filter((resource) => resource !== component && resource.name !== "after");
    expect(others.sort(byName).map(placed)).toEqual(own.registered.sort(byName).map(placed));
});

test("a URL that is a secret output stays secret", async () => {
    const { named } = await runProgram({ ...CONFIG, hidesUrl: "true" }, { program, secretKeys: ["linkmeshDebUrl"] });
    expect(isSecret(named("linkmesh-package").inputs.stdin)).toBe(true);
    expect(isSecret((await runProgram(CONFIG, { program })).named("linkmesh-package").inputs.stdin)).toBe(false);
});

test("its outputs are those of the proxy; the private key is a secret", async () => {
    const outputs = (await runProgram(CONFIG, { program })).outputs as Outputs;
    const entries = Object.entries(outputs).map(async ([name, value]) => [name, await valueOf(value)] as const);
    expect(Object.fromEntries(await Promise.all(entries))).toMatchObject({
        publicUrl: "https://linkmesh.example.com",
        opampUrl: "wss://linkmesh.example.com/v1/opamp",
        grpcEndpoint: "linkmesh.example.com:50051",
        ipv4: "203.0.113.10",
        ipv6: "2001:db8:0:100::10",
        sshCommand: "ssh -i linkmesh-proxy.key admin@203.0.113.10",
        dnsRecords: [{ type: "A" }, { type: "AAAA" }],
    });
    expect(await pulumi.isSecret(outputs.sshPrivateKey!)).toBe(true);
    expect(await pulumi.isSecret(outputs.publicUrl!)).toBe(false);
});

test("the first preview is complete and knows the public URLs", async () => {
    const { registered, outputs } = await runProgram(CONFIG, { preview: true, program });
    expect(registered.filter(({ type }) => type === "command:remote:Command")).toHaveLength(USUAL_STEPS.length);
    expect(await valueOf(outputs.publicUrl)).toBe("https://linkmesh.example.com");
});

test("resources that depend on it wait for the steps on the machine", async () => {
    const { registered } = await runProgram(CONFIG, { program });
    const after = registered.find(({ name }) => name === "after")!;
    const steps = after.dependsOn.filter((urn) => urn.includes("command:remote:Command"));
    expect(steps).toHaveLength(USUAL_STEPS.length);
});

test("a wrong setting is reported at once", async () => {
    const run = runProgram({ ...CONFIG, sshAllowedCidrs: '["300.1.1.1/32"]' }, { program });
    await expect(run).rejects.toThrow(/^sshAllowedCidrs must hold networks in CIDR form/);
});

test("a secret output where previews would show it is refused", async () => {
    const leaking = { ...CONFIG, leaks: "true", token: "hunter2" };
    const errors = await unhandled(() => runProgram(leaking, { program, secretKeys: ["token"] }));
    expect(errors[0]).toMatch(/tags is a secret, but previews show it/);
});
