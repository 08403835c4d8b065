import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { CloudRealizer } from "../../lab/cloud/store.ts";
import type { CloudState } from "../../lab/cloud/state.ts";
import { ensurePulumi } from "../../lab/engine/cli-binary.ts";
import { type InlineProgram, runEngine } from "../../lab/engine/run.ts";
import { labCacheDir } from "../../lab/lab.ts";

/** What an operation of the engine did, in its order. */
export interface Operation {
    exitCode: number;
    /** "create Instance vm", without steps that change nothing. Empty lines of components left out. */
    steps: string[];
    /** Errors and warnings, with the ephemeral lines of resources in `lines`. */
    diagnostics: string[];
    lines: string[];
    /** What the CLI printed. */
    text: string;
    milliseconds: number;
}

/** A stack of its own with a file backend in a temporary directory. */
export class TestStack {
    readonly dir: string;
    readonly #command: string;
    readonly #providers: string;

    private constructor(dir: string, command: string, providers: string) {
        this.dir = dir;
        this.#command = command;
        this.#providers = providers;
    }

    /** @param providers value of PULUMI_DEBUG_PROVIDERS */
    static async create(providers: string, config: Record<string, string> = { "aws:region": "eu-central-1" }): Promise<TestStack> {
        const dir = await mkdtemp(join(tmpdir(), "linkmesh-providers-"));
        const command = process.env.PULUMI ?? (await ensurePulumi(labCacheDir(), () => undefined)).command;
        await mkdir(join(dir, "state"));
        await writeFile(join(dir, "Pulumi.yaml"), "name: t\nruntime: nodejs\n");
        const stack = new TestStack(dir, command, providers);
        const made = await stack.#run(["stack", "init", "dev"]);
        if (made.exitCode !== 0) throw new Error(made.text);
        await writeFile(join(dir, "Pulumi.dev.yaml"), `${await readFile(join(dir, "Pulumi.dev.yaml"), "utf8")}\nconfig: ${JSON.stringify(config)}\n`);
        return stack;
    }

    preview(program: InlineProgram, ...args: string[]): Promise<Operation> {
        return this.#run(["preview", "--stack", "dev", "--diff", ...args], program);
    }

    up(program: InlineProgram, onStep?: (step: string, engine: () => Promise<number[]>) => void): Promise<Operation> {
        return this.#run(["up", "--stack", "dev", "--yes", "--skip-preview"], program, onStep);
    }

    refresh(...args: string[]): Promise<Operation> {
        return this.#run(["refresh", "--stack", "dev", "--yes", "--skip-preview", ...args]);
    }

    destroy(): Promise<Operation> {
        return this.#run(["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
    }

    cancel(): Promise<Operation> {
        return this.#run(["cancel", "--stack", "dev", "--yes"]);
    }

    /** The state as the file backend keeps it. */
    async checkpoint(): Promise<string> {
        return readFile(join(this.dir, "state", ".pulumi", "stacks", "t", "dev.json"), "utf8");
    }

    async remove(): Promise<void> {
        await rm(this.dir, { recursive: true, force: true });
    }

    async #run(
        args: string[],
        program?: InlineProgram,
        onStep?: (step: string, engine: () => Promise<number[]>) => void,
    ): Promise<Operation> {
        const steps: string[] = [];
        const diagnostics: string[] = [];
        const lines: string[] = [];
        const onEvent = (event: EngineEvent) => {
            const { metadata } = event.resourcePreEvent ?? {};
            if (metadata && metadata.op !== "same" && metadata.op !== "read") {
                const [, type = "", name = ""] = /::([^:]+(?::[^:]+)*)::([^:]+)$/.exec(metadata.urn) ?? [];
                const step = `${metadata.op} ${type.split(":").at(-1)} ${name}`;
                if (!type.endsWith("pulumi:Stack") && !type.includes("providers:")) steps.push(step);
                onStep?.(step, () => children(process.pid));
            }
            const message = event.diagnosticEvent?.message.trim();
            if (message && event.diagnosticEvent?.severity !== "info") diagnostics.push(message);
            else if (message) lines.push(message);
        };
        const before = performance.now();
        const result = await runEngine({
            command: this.#command,
            args,
            cwd: this.dir,
            env: { ...(process.env as Record<string, string>), ...this.variables() },
            program,
            onEvent: ["preview", "up", "refresh", "destroy"].includes(args[0]!) ? onEvent : undefined,
        });
        const milliseconds = Math.round(performance.now() - before);
        return { exitCode: result.exitCode, steps, diagnostics, lines, text: result.stdout + result.stderr, milliseconds };
    }

    variables(): Record<string, string> {
        return {
            PULUMI_BACKEND_URL: `file://${join(this.dir, "state")}`,
            PULUMI_HOME: join(this.dir, "home"),
            PULUMI_CONFIG_PASSPHRASE: "",
            PULUMI_DEBUG_COMMANDS: "true",
            PULUMI_AUTOMATION_API: "true",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            ...(this.#providers && { PULUMI_DEBUG_PROVIDERS: this.#providers }),
        };
    }
}

/** Keeps every state that it was told to realize, and fails or waits when asked to. */
export class RecordingRealizer implements CloudRealizer {
    readonly states: CloudState[] = [];
    failure: string | undefined;
    delayMs = 0;

    async apply(state: CloudState): Promise<void> {
        this.states.push(structuredClone(state));
        await sleep(this.delayMs);
        if (this.failure) throw new Error(this.failure);
    }

    get last(): CloudState {
        const state = this.states.at(-1);
        if (!state) throw new Error("nothing has been realized");
        return state;
    }
}

/** A real sshd on a loopback port, for one user and one key. */
export interface TestSshd {
    port: number;
    hostKey: string;
    stop(): Promise<void>;
}

const execute = promisify(execFile);

export async function startSshd(authorizedKey: string, options: string[] = []): Promise<TestSshd> {
    const dir = await mkdtemp(join(tmpdir(), "linkmesh-sshd-"));
    await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
    await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, "host")]);
    await writeFile(join(dir, "authorized_keys"), authorizedKey, { mode: 0o600 });
    const port = 40_000 + Math.floor(Math.random() * 9_000);
    const settings = [
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${join(dir, "host")}`,
        `AuthorizedKeysFile ${join(dir, "authorized_keys")}`,
        "StrictModes no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "PidFile none",
        "UsePAM no",
        ...options,
    ];
    await writeFile(join(dir, "sshd_config"), `${settings.join("\n")}\n`);
    const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(dir, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    await new Promise<void>((resolve, reject) => {
        let said = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
            said += text;
            if (said.includes("Server listening")) resolve();
        });
        child.once("exit", () => reject(new Error(`sshd: ${said}`)));
        child.once("error", reject);
    });
    return {
        port,
        hostKey: (await readFile(join(dir, "host.pub"), "utf8")).trim(),
        async stop() {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGTERM");
            await ended;
            await rm(dir, { recursive: true, force: true });
        },
    };
}

/** Ids of the processes that a process has started. */
async function children(pid: number): Promise<number[]> {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
}
