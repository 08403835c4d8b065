import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { emptyCloud, type Instance } from "../../lab/cloud/state.ts";
import { planReplacement } from "../../lab/commands/session.ts";
import { isPaused, requireMachineUp } from "../../lab/commands/paused.ts";
import { LabStack } from "../../lab/engine/stack.ts";
import { type Lab, LabError, labAt } from "../../lab/lab.ts";

const STACK = { urn: "urn:pulumi:lab::p::pulumi:pulumi:Stack::p-lab", type: "pulumi:pulumi:Stack" };
const OUTPUTS = { publicUrl: "https://linkmesh.example.test", ipv4: "10.77.129.1" };

let lab: Lab;
beforeEach(() => {
    lab = { ...labAt(7), dir: mkdtempSync(join(tmpdir(), "linkmesh-stack-")) };
});
afterEach(() => rmSync(lab.dir, { recursive: true, force: true }));

/** Writes the state file in the engine's format. */
function checkpoint(...resources: object[]): void {
    const dir = join(lab.dir, "pulumi/state/.pulumi/stacks/linkmesh-proxy");
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "lab.json"), JSON.stringify({ checkpoint: { latest: { resources } } }));
}

function cloudWith(...instances: string[]): void {
    const state = { ...emptyCloud(), instances: Object.fromEntries(instances.map((id) => [id, { id } as Instance])) };
    writeFileSync(join(lab.dir, "cloud.json"), JSON.stringify(state));
}

function configuration(config: object): void {
    mkdirSync(join(lab.dir, "pulumi/work"), { recursive: true });
    writeFileSync(join(lab.dir, "pulumi/work/Pulumi.lab.yaml"), JSON.stringify({ config }));
}

describe("a pause", () => {
    it.each([true, "true"])("is a stack with outputs and no machine, and paused is %j", async (paused) => {
        checkpoint({ ...STACK, outputs: OUTPUTS });
        configuration({ "linkmesh-proxy:paused": paused });
        cloudWith();
        expect(await isPaused(lab)).toBe(true);
        await expect(requireMachineUp(lab)).rejects.toThrow("`npm run lab -- up --set paused=false` brings it back");
    });

    it("is neither a stack with a machine, nor one that is destroyed, nor one whose machine is missing", async () => {
        checkpoint({ ...STACK, outputs: OUTPUTS });
        configuration({ "linkmesh-proxy:paused": true });
        cloudWith("i-1");
        expect(await isPaused(lab)).toBe(false);
        checkpoint({ ...STACK, outputs: {} });
        cloudWith();
        expect(await isPaused(lab)).toBe(false);
        checkpoint({ ...STACK, outputs: OUTPUTS });
        configuration({ "linkmesh-proxy:paused": false });
        expect(await isPaused(lab)).toBe(false);
        await requireMachineUp(lab);
    });
});

describe("protection", () => {
    const isProtected = () => new LabStack(lab, { command: "" }).isProtected;

    it("applies if any resource is protected, even a component", () => {
        expect(isProtected()).toBe(false);
        checkpoint(STACK, { urn: "urn:pulumi:lab::p::linkmesh-proxy:index:Protection::x", protect: true });
        expect(isProtected()).toBe(true);
        checkpoint(STACK, { urn: "urn:pulumi:lab::p::linkmesh-proxy:index:Protection::x" });
        expect(isProtected()).toBe(false);
    });
});

describe("--replace", () => {
    const resource = (type: string, name: string, custom = true) => ({
        urn: `urn:pulumi:lab::p::a:b:C$${type}::${name}`,
        type,
        custom,
    });

    it("finds resources by their names", () => {
        const [vm, zone] = [resource("aws:ec2/instance:Instance", "vm"), resource("aws:ec2/eip:Eip", "vm")];
        checkpoint(STACK, vm, zone, resource("aws:ebs/volume:Volume", "data"));
        expect(planReplacement(["vm"], lab)).toEqual([vm.urn, zone.urn]);
        expect(planReplacement([], lab)).toEqual([]);
    });

    it("suggests similar names for an unknown one, without components and providers", () => {
        checkpoint(
            resource("pulumi:providers:aws", "linkmesh-machine-instanc"),
            resource("linkmesh-proxy:index:Machine", "linkmesh-machine-instancee", false),
            ...["linkmesh-machine-data", "linkmesh-host-key", "linkmesh-dns-a", "linkmesh-machine-instance"].map(
                (name) => resource("aws:ec2/instance:Instance", name),
            ),
        );
        const unknown = () => planReplacement(["linkmesh-machine-instnce"], lab);
        expect(unknown).toThrow(LabError);
        expect(unknown).toThrow(
            /^--replace linkmesh-machine-instnce: the stack has no such resource, the nearest names are linkmesh-machine-instance, linkmesh-machine-data, [\w-]+$/,
        );
    });

    it("finds nothing if there is no stack", () => {
        expect(() => planReplacement(["vm"], lab)).toThrow("it has no resources yet");
    });
});
