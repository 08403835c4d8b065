import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { createWriteStream, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { parse, stringify } from "yaml";
import { bundleOf } from "../../bundle.js";
import { type Lab, LabError, type Progress } from "../lab.ts";
import { PROGRAM } from "../slots.ts";
import { procStat } from "../process/process.ts";
import type { Configuration } from "./config.ts";
import { type Diagnostic, diagnosticOf, failureSentence } from "./failure.ts";
import type { EngineResult, EngineRun, InlineProgram } from "./run.ts";
import { resourceName, stepName } from "./stages.ts";
import {
    STACK,
    type Workspace,
    engineEnvironment,
    engineLocks,
    prepareWorkspace,
    readCheckpoint,
    removeBrokenAttributes,
    workspaceOf,
} from "./workspace.ts";

const KEPT_LOGS = 10;
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";
let evaluations = 0;

export interface StackOptions {
    /** The Pulumi CLI. */
    command: string;
    /** Value for PULUMI_DEBUG_PROVIDERS. */
    debugProviders?: string;
    /** Directory of index.ts and Pulumi.yaml. Default: the program that the lab runs. */
    programDir?: string;
}

export interface OperationOptions {
    onEvent?: (event: EngineEvent) => void;
    onOutput?: (text: string) => void;
    /** Configuration file to use instead of the stack's own. */
    configFile?: string;
}

/** The lab's Pulumi stack: the real engine, index.ts as inline program, and a file backend in the lab's directory. */
export class LabStack {
    readonly workspace: Workspace;
    readonly #options: StackOptions;

    constructor(lab: Lab, options: StackOptions) {
        this.#options = options;
        this.workspace = workspaceOf(lab, options.programDir);
    }

    /** Whether the stack exists, with or without resources. */
    get exists(): boolean {
        return readCheckpoint(this.workspace) !== undefined;
    }

    /** Number of resources in the state. */
    get size(): number {
        return readCheckpoint(this.workspace)?.resources?.length ?? 0;
    }

    /** Whether the engine would refuse to destroy it. */
    get isProtected(): boolean {
        return readCheckpoint(this.workspace)?.resources?.some(({ protect }) => protect === true) ?? false;
    }

    /** URNs by logical name, without components and providers. */
    urns(): Map<string, string[]> {
        const byName = new Map<string, string[]>();
        for (const { urn, type, custom } of readCheckpoint(this.workspace)?.resources ?? []) {
            if (!custom || type.startsWith("pulumi:")) continue;
            const name = resourceName(urn);
            byName.set(name, [...(byName.get(name) ?? []), urn]);
        }
        return byName;
    }

    /** Makes the stack if there is none. */
    async init(): Promise<void> {
        prepareWorkspace(this.workspace, this.#options.programDir);
        if (this.exists) return;
        const result = await this.#cli(["stack", "init", `organization/${this.workspace.project}/${STACK}`]);
        if (result.exitCode !== 0) throw this.#failure("stack init", result, []);
    }

    /**
     * Replaces the whole configuration. Only root can read the file, so nothing is encrypted.
     * @returns a function that restores the former configuration
     */
    configure(configuration: Configuration, file = this.workspace.configFile): () => void {
        const former = existsSync(file) ? readFileSync(file) : undefined;
        writeFileSync(file, stringify({ ...this.#configFile(), config: configuration }), { mode: 0o600 });
        return () => former && writeFileSync(file, former);
    }

    /** The whole configuration. */
    get configuration(): Configuration {
        return this.#configFile().config ?? {};
    }

    /** The current value of a setting, by its short name. Undefined if the default applies. */
    setting(name: string): unknown {
        return this.#configFile().config?.[`${this.workspace.project}:${name}`];
    }

    /** Shows what `up` would do, without changes. */
    async preview(
        options: OperationOptions & { diff?: boolean; json?: boolean; color?: boolean; refresh?: boolean } = {},
    ): Promise<EngineResult> {
        const args = [
            "preview",
            ...(options.diff ? ["--diff"] : []),
            ...(options.refresh ? ["--refresh"] : []),
            // The CLI takes no other option for the output with --json.
            ...(options.json ? ["--json"] : ["--suppress-progress"]),
            "--color",
            options.color ? "always" : "never",
        ];
        return this.#operate("preview", args, options, true);
    }

    /** `replace`: URNs of resources to replace even if they are unchanged. */
    async up(options: OperationOptions & { replace?: string[]; refresh?: boolean } = {}): Promise<EngineResult> {
        const replace = (options.replace ?? []).flatMap((urn) => ["--replace", urn]);
        const more = options.refresh ? ["--refresh", ...replace] : replace;
        return this.#operate("up", ["up", "--yes", "--skip-preview", "--color", "never", ...more], options, true);
    }

    /** Compares the state with the cloud. `clearPending` removes operations whose end is unknown. */
    async refresh(options: OperationOptions & { clearPending?: boolean } = {}): Promise<EngineResult> {
        const clear = options.clearPending ? ["--clear-pending-creates"] : [];
        return this.#operate(
            "refresh",
            ["refresh", "--yes", "--skip-preview", "--color", "never", ...clear],
            options,
            false,
        );
    }

    async destroy(options: OperationOptions = {}): Promise<EngineResult> {
        return this.#operate("destroy", ["destroy", "--yes", "--skip-preview", "--color", "never"], options, false);
    }

    /** Removes the protection of every resource. The oldest supported CLI lacks `--ignore-protect`. */
    async unprotect(): Promise<void> {
        const result = await this.#cli(["state", "unprotect", "--all", "--yes", "--stack", STACK]);
        if (result.exitCode !== 0) throw this.#failure("state unprotect", result, []);
    }

    /**
     * Repairs the stack after a killed engine: removes its lock and clears pending operations. Cheap if there is
     * nothing to do.
     * @throws LabError if a running engine holds the stack
     */
    async recover(progress: Progress): Promise<void> {
        const locks = engineLocks(this.workspace);
        const alive = locks.find(({ pid }) => procStat(pid)?.comm.startsWith("pulumi"));
        if (alive)
            throw new LabError(`process ${alive.pid} runs pulumi on the lab's stack: wait for it to end, or end it`);
        removeBrokenAttributes(this.workspace);
        if (locks.length > 0) {
            progress("removing the lock of an engine that is gone");
            const result = await this.#cli(["cancel", "--yes", "--stack", STACK]);
            if (result.exitCode !== 0) throw this.#failure("cancel", result, []);
        }
        if ((readCheckpoint(this.workspace)?.pending_operations?.length ?? 0) === 0) return;
        progress("an earlier run was interrupted: comparing the stack with the cloud");
        await this.refresh({ clearPending: true });
    }

    /** The stack's outputs that are not secret, read without the engine. Empty if there are none. */
    outputs(): Record<string, unknown> {
        const resources = readCheckpoint(this.workspace)?.resources ?? [];
        const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
        return Object.fromEntries(Object.entries(outputs).filter(([, value]) => !isSecretValue(value)));
    }

    /** All outputs in clear text. Not for printing. */
    async secretOutputs(): Promise<Record<string, unknown>> {
        const result = await this.#cli(["stack", "output", "--json", "--show-secrets", "--stack", STACK]);
        if (result.exitCode !== 0) throw this.#failure("stack output", result, []);
        return JSON.parse(result.stdout) as Record<string, unknown>;
    }

    #configFile(): { config?: Configuration } {
        const { configFile } = this.workspace;
        return existsSync(configFile) ? (parse(readFileSync(configFile, "utf8")) as { config?: Configuration }) : {};
    }

    #cli(args: string[]): Promise<EngineResult> {
        const { command } = this.#options;
        return run({ command, args, cwd: this.workspace.dir, env: engineEnvironment(this.workspace, command) });
    }

    async #operate(
        name: string,
        args: string[],
        options: OperationOptions,
        withProgram: boolean,
    ): Promise<EngineResult> {
        const { command, debugProviders, programDir = PROGRAM } = this.#options;
        const diagnostics: Diagnostic[] = [];
        const steps = new Map<string, string>();
        const log = this.#openLog(name);
        const result = await run({
            command,
            args: [...args, "--stack", STACK, ...(options.configFile ? ["--config-file", options.configFile] : [])],
            cwd: this.workspace.dir,
            env: engineEnvironment(this.workspace, command, debugProviders),
            program: withProgram ? inlineProgram(programDir) : undefined,
            onEvent: (event) => {
                const resource = event.resourcePreEvent?.metadata;
                if (resource?.type.startsWith("command:"))
                    steps.set(resource.urn, stepName(resource.urn, resource.new?.inputs));
                const diagnostic = diagnosticOf(event);
                if (diagnostic) diagnostics.push({ ...diagnostic, step: steps.get(diagnostic.urn ?? "") });
                options.onEvent?.(event);
            },
            onOutput: (text) => {
                log.stream.write(text);
                options.onOutput?.(text);
            },
        });
        for (const { urn, message } of diagnostics) log.stream.write(`\n${urn ?? "error"}\n${message}\n`);
        log.stream.end(`\n${result.stderr}`);
        await log.written;
        if (result.interrupted && result.exitCode !== 0) {
            throw new Interrupted(
                `${name} was interrupted and has ended cleanly: the next \`npm run lab -- up\` goes on from there`,
            );
        }
        if (result.exitCode !== 0) throw this.#failure(name, result, diagnostics, log.file);
        return result;
    }

    #failure(name: string, result: EngineResult, diagnostics: Diagnostic[], log?: string): LabError {
        const sentence = failureSentence(diagnostics, result.stderr, result.stdout);
        return new LabError(
            log ? `${sentence}\n(${name} failed; its whole output: ${log})` : `${name} failed: ${sentence}`,
        );
    }

    #openLog(name: string) {
        const { logDir } = this.workspace;
        const old = readdirSync(logDir).filter((file) => /^(up|preview|refresh|destroy)-/.test(file));
        const byTime = old.sort((a, b) => a.replace(/^\w+-/, "").localeCompare(b.replace(/^\w+-/, "")));
        for (const file of byTime.slice(0, -KEPT_LOGS)) rmSync(join(logDir, file), { force: true });
        const file = join(logDir, `${name}-${new Date().toISOString().replace(/[:.]/g, "")}.log`);
        const stream = createWriteStream(file, { mode: 0o600 });
        // A log that cannot be written is no reason to fail.
        return { file, stream, written: finished(stream).catch(() => undefined) };
    }
}

/** Loads the Pulumi SDK only when needed, so that commands that only read the stack's state start fast. */
async function run(engineRun: EngineRun): Promise<EngineResult> {
    return (await import("./run.ts")).runEngine(engineRun);
}

/** The user interrupted an operation. */
export class Interrupted extends LabError {
    override name = "Interrupted";
}

/**
 * Evaluates the program again for each operation; the packages that it imports stay loaded. As in Pulumi's language host,
 * the outputs are index.ts's default export or else its exports.
 */
function inlineProgram(programDir: string): InlineProgram {
    return async () => {
        await keepSecrets();
        const url = await bundleOf(join(programDir, "index.ts"));
        const exported = (await import(`${url}?evaluation=${++evaluations}`)) as Record<string, unknown>;
        return { ...((exported.default ?? exported) as Record<string, unknown>) };
    };
}

/** Makes the program treat secrets as secret, although the lab's configuration file does not encrypt them. */
async function keepSecrets(): Promise<void> {
    const [{ runtime, getProject }, { SETTINGS }] = await Promise.all([
        import("@pulumi/pulumi"),
        import("../../components/settings/settings.ts"),
    ]);
    const secrets = Object.entries(SETTINGS).filter(([, setting]) => "secret" in setting);
    runtime.setAllConfig(
        runtime.allConfig(),
        secrets.map(([name]) => `${getProject()}:${name}`),
    );
}

function isSecretValue(value: unknown): boolean {
    return typeof value === "object" && value !== null && SECRET_SIGNATURE in value;
}
