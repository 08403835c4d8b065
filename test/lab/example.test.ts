import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPlugin } from "../host/plugin.ts";
import { lab, labOk, useLab } from "./lab.ts";
import { destroyed, resources } from "./program-state.ts";

// Other programs, which use the components by the name of their package.
useLab("test-example");

const ROOT = join(import.meta.dirname, "../..");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
    delete process.env.LINKMESH_LAB_PROGRAM;
});

function comesUp(): void {
    test("all endpoints answer, and a second up changes nothing", async () => {
        await labOk("check");
        expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
    });
}

function goes(project: string): void {
    test("destroy leaves no resource", () => destroyed(project));
}

describe("the example in TypeScript", () => {
    beforeAll(async () => {
        process.env.LINKMESH_LAB_PROGRAM = "examples/typescript";
        await labOk("up");
    });
    comesUp();

    test("its transform changes the inner instance", () => {
        const [instance] = resources("linkmesh-example").filter(({ type }) => type === "aws:ec2/instance:Instance");
        const changed = {
            monitoring: true,
            rootBlockDevice: { volumeSize: 20, volumeType: "gp3", encrypted: true },
        };
        expect(instance).toMatchObject({ inputs: changed, outputs: changed });
    });

    goes("linkmesh-example");
});

// The engine has the component constructed by the package's process, as for a program in any other language.
describe("the example in YAML, through the component package", () => {
    let plugin: Awaited<ReturnType<typeof startPlugin>> | undefined;
    beforeAll(async () => {
        execFileSync(process.execPath, ["build.js"], { cwd: ROOT, stdio: "pipe" });
        plugin = await startPlugin(ROOT);
        process.env.LINKMESH_LAB_PROGRAM = "test/lab/yaml-host";
        process.env.PULUMI_DEBUG_PROVIDERS = `linkmesh-proxy:${plugin.port}`;
        await labOk("up");
    });
    afterAll(() => {
        delete process.env.PULUMI_DEBUG_PROVIDERS;
        plugin?.process.kill();
    });
    comesUp();

    test("the component is one resource of the program's, with all others below it", () => {
        const found = resources("linkmesh-yaml");
        const [component] = found.filter(({ type }) => type === "linkmesh-proxy:index:LinkMesh");
        expect(component).toMatchObject({ custom: false });
        const below = found.filter(({ urn }) => urn.includes("::linkmesh-proxy:index:LinkMesh$"));
        expect(below.length).toBeGreaterThan(40);
        const [instance] = below.filter(({ type }) => type === "aws:ec2/instance:Instance");
        expect(instance).toMatchObject({ inputs: { tags: { team: "platform" } } });
    });

    test("the private key is a secret in the program's state, too", () => {
        const [stack] = resources("linkmesh-yaml").filter(({ type }) => type === "pulumi:pulumi:Stack");
        expect(JSON.stringify(stack!.outputs)).not.toContain("PRIVATE KEY");
        expect(stack!.outputs!.sshPrivateKey).toHaveProperty("ciphertext");
    });

    goes("linkmesh-yaml");
});
