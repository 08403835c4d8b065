import * as aws from "@pulumi/aws";
import * as tls from "@pulumi/tls";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { labAt } from "../../lab/lab.ts";
import { procStat } from "../../lab/process/process.ts";
import { type RunningProviders, startProviders, writePlugins } from "../../lab/providers/index.ts";
import { packageVersion } from "../../lab/providers/plugins.ts";
import { awsProvider } from "./providers-aws.ts";
import { keysAndCommands } from "./providers-command.ts";
import { type ProvidersLab, RecordingReconciler, TestStack } from "./providers-harness.ts";

const on = {} as ProvidersLab;
let providers: RunningProviders;

beforeAll(async () => {
    on.lab = { ...labAt(7), dir: await mkdtemp(join(tmpdir(), "linkmesh-lab-")) };
    on.reconciler = new RecordingReconciler();
    providers = await startProviders({ lab: on.lab, reconciler: on.reconciler, packages: ["aws", "command", "tls"] });
    on.debugProviders = providers.debugProviders;
    on.stack = await TestStack.create(on.debugProviders);
});

afterAll(async () => {
    await providers?.stop();
    await on.stack?.remove();
    await rm(on.lab.dir, { recursive: true, force: true });
});

describe("aws", () => awsProvider(on));
describe("tls and command", () => keysAndCommands(on));

describe("plugin executables", () => {
    it("serve a stack that no provider is attached to, and end with the engine", async () => {
        const plain = await TestStack.create("");
        await writePlugins(join(plain.dir, "home", "plugins"), on.lab);
        const key = async () => {
            const made = new tls.PrivateKey("key", { algorithm: "ED25519" });
            const zone = await aws.route53.getZone({ name: "example.test" });
            return { line: made.publicKeyOpenssh, zone: zone.name };
        };
        const up = await plain.up(key);
        expect(up).toMatchObject({ exitCode: 0, diagnostics: [] });
        expect(up.text).toContain("example.test");

        const plugin = join(
            plain.dir,
            "home",
            "plugins",
            `resource-tls-v${packageVersion("tls")}`,
            "pulumi-resource-tls",
        );
        const shell = spawn("/bin/sh", ["-c", `${plugin} 127.0.0.1:1 & echo pid $!; read end`], {
            stdio: ["pipe", "pipe", "ignore"],
        });
        const said = await new Promise<string>((resolve) => {
            let text = "";
            shell.stdout.setEncoding("utf8").on("data", (chunk: string) => {
                text += chunk;
                if (/^\d+$/m.test(text) && text.includes("pid")) resolve(text);
            });
        });
        const pid = Number(/pid (\d+)/.exec(said)?.[1]);
        expect(procStat(pid)).toBeDefined();
        shell.kill("SIGKILL");
        // Undefined for a zombie, too, as which a container's first process may leave it.
        while (procStat(pid) !== undefined) await sleep(100);
        await plain.remove();
    });
});
