import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allPids, procStat } from "../../lab/process/process.ts";
import type { CloudReconciler } from "../../lab/cloud/store.ts";
import type { CloudState } from "../../lab/cloud/state.ts";
import { ensurePulumi } from "../../lab/engine/ensure-pulumi.ts";
import { type InlineProgram, runEngine } from "../../lab/engine/run.ts";
import { ensureImage } from "../../lab/machines/image/image.ts";
import { type Lab, labCacheDir } from "../../lab/lab.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { commandLine } from "./running-up.ts";
import { freePort } from "../host/free-port.ts";

/** What an operation of the engine did, in its order. */
export interface Operation {
    exitCode: number;
    /** As "create Instance vm"; without the stack, providers, and what stays as it is. */
    steps: string[];
    /** Errors and warnings. */
    diagnostics: string[];
    /** Everything else that was logged. */
    lines: string[];
    /** What the CLI printed. */
    text: string;
}

/** What the providers' tests share: a lab of records only, and a stack. */
export interface ProvidersLab {
    lab: Lab;
    reconciler: RecordingReconciler;
    /** Value of PULUMI_DEBUG_PROVIDERS. */
    debugProviders: string;
    stack: TestStack;
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
    static async create(
        providers: string,
        config: Record<string, string> = { "aws:region": "eu-central-1" },
    ): Promise<TestStack> {
        const dir = await mkdtemp(join(tmpdir(), "linkmesh-providers-"));
        const command = process.env.PULUMI ?? (await ensurePulumi(labCacheDir(), () => undefined)).command;
        await mkdir(join(dir, "state"));
        await writeFile(join(dir, "Pulumi.yaml"), "name: t\nruntime: nodejs\n");
        const stack = new TestStack(dir, command, providers);
        const made = await stack.#run(["stack", "init", "dev"]);
        if (made.exitCode !== 0) throw new Error(made.text);
        await writeFile(
            join(dir, "Pulumi.dev.yaml"),
            `${await readFile(join(dir, "Pulumi.dev.yaml"), "utf8")}\nconfig: ${JSON.stringify(config)}\n`,
        );
        return stack;
    }

    preview(program: InlineProgram, ...args: string[]): Promise<Operation> {
        return this.#run(["preview", "--stack", "dev", "--diff", ...args], program);
    }

    /** `onLine` is called with each line that a command prints. */
    up(program: InlineProgram, onLine?: (line: string) => void): Promise<Operation> {
        return this.#run(["up", "--stack", "dev", "--yes", "--skip-preview"], program, onLine);
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

    /** Process ids of the engines that run at present. */
    enginePids(): number[] {
        return allPids().filter(
            (pid) => procStat(pid)?.parent === process.pid && commandLine(pid)[0] === this.#command,
        );
    }

    /** The state as the file backend keeps it. */
    async checkpoint(): Promise<string> {
        return readFile(join(this.dir, "state", ".pulumi", "stacks", "t", "dev.json"), "utf8");
    }

    async remove(): Promise<void> {
        await rm(this.dir, { recursive: true, force: true });
    }

    async #run(args: string[], program?: InlineProgram, onLine?: (line: string) => void): Promise<Operation> {
        const steps: string[] = [];
        const diagnostics: string[] = [];
        const lines: string[] = [];
        const onEvent = (event: EngineEvent) => {
            const { metadata } = event.resourcePreEvent ?? {};
            if (metadata && metadata.op !== "same" && metadata.op !== "read") {
                const [, type = "", name = ""] = /::([^:]+(?::[^:]+)*)::([^:]+)$/.exec(metadata.urn) ?? [];
                const step = `${metadata.op} ${type.split(":").at(-1)} ${name}`;
                if (!type.endsWith("pulumi:Stack") && !type.includes("providers:")) steps.push(step);
            }
            const message = event.diagnosticEvent?.message.trim();
            if (message && event.diagnosticEvent?.severity !== "info") diagnostics.push(message);
            else if (message) {
                lines.push(message);
                onLine?.(message);
            }
        };
        const result = await runEngine({
            command: this.#command,
            args,
            cwd: this.dir,
            env: { ...(process.env as Record<string, string>), ...this.#variables() },
            program,
            onEvent: ["preview", "up", "refresh", "destroy"].includes(args[0]!) ? onEvent : undefined,
        });
        return { exitCode: result.exitCode, steps, diagnostics, lines, text: result.stdout + result.stderr };
    }

    #variables(): Record<string, string> {
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

/** Keeps every state that it was asked to apply. */
export class RecordingReconciler implements CloudReconciler {
    readonly states: CloudState[] = [];
    /** Called with each state; what it throws is the reconciler's failure. */
    onState: ((state: CloudState) => void | Promise<void>) | undefined;

    async apply(state: CloudState): Promise<void> {
        this.states.push(structuredClone(state));
        await this.onState?.(state);
    }

    get last(): CloudState {
        const state = this.states.at(-1);
        if (!state) throw new Error("nothing has been applied");
        return state;
    }
}

/** A real sshd, that of the lab's Debian image, on a loopback port: root may log in with one key. */
export interface TestSshd {
    port: number;
    hostKey: string;
    stop(): Promise<void>;
}

/** Runs in a mount namespace of its own, which takes every mount with it when sshd ends. */
const START_SSHD = `
    set -e
    mount -t tmpfs none "$DIR/layers"
    mkdir "$DIR/layers/upper" "$DIR/layers/work"
    mount -t overlay overlay -o "lowerdir=$IMAGE,upperdir=$DIR/layers/upper,workdir=$DIR/layers/work" "$DIR/root"
    mount --rbind /dev "$DIR/root/dev"
    mount -t proc proc "$DIR/root/proc"
    mkdir -p "$DIR/root/run/sshd"
    cp -r "$DIR/ssh" "$DIR/root/etc/ssh-test"
    # Without PAM a locked account cannot log in.
    chroot "$DIR/root" usermod -p '*' root
    exec chroot "$DIR/root" /usr/sbin/sshd -D -e -f /etc/ssh-test/sshd_config
`;

export async function startSshd(authorizedKey: string): Promise<TestSshd> {
    const image = await ensureImage(labCacheDir(), "trixie", () => undefined);
    const dir = await mkdtemp(join(tmpdir(), "linkmesh-sshd-"));
    for (const name of ["layers", "root", "ssh"]) await mkdir(join(dir, name), { mode: 0o755 });
    const host = await generateKey({ algorithm: "ED25519" });
    const port = await freePort();
    const settings = [
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        "HostKey /etc/ssh-test/host",
        "AuthorizedKeysFile /etc/ssh-test/authorized_keys",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "PidFile none",
        "UsePAM no",
    ];
    await writeFile(join(dir, "ssh", "host"), host.privateKeyOpenssh, { mode: 0o600 });
    await writeFile(join(dir, "ssh", "authorized_keys"), authorizedKey, { mode: 0o600 });
    await writeFile(join(dir, "ssh", "sshd_config"), `${settings.join("\n")}\n`);
    const child = spawn("unshare", ["--mount", "sh", "-c", START_SSHD], {
        env: { ...process.env, DIR: dir, IMAGE: image },
        stdio: ["ignore", "ignore", "pipe"],
    });
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
        hostKey: host.publicKeyOpenssh,
        async stop() {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGTERM");
            await ended;
            await rm(dir, { recursive: true, force: true });
        },
    };
}
