import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { PROGRAM } from "../slots.ts";
import { readKept } from "../kept-file.ts";
import { type Lab, LabError } from "../lab.ts";

export const STACK = "lab";

/** The paths of the lab's stack, all inside the lab's directory. */
export interface Workspace {
    /** Name of the Pulumi project. */
    project: string;
    /** Has a copy of Pulumi.yaml and the stack's configuration file. Plain `pulumi -C` works there too. */
    dir: string;
    /** Pulumi.lab.yaml. */
    configFile: string;
    /** The file backend. */
    stateDir: string;
    home: string;
    passphraseFile: string;
    logDir: string;
    /** The `config` section of Pulumi.yaml by name. */
    schema: Record<string, ConfigKey>;
}

/** One key of Pulumi.yaml's `config` section. */
export interface ConfigKey {
    type?: "string" | "integer" | "number" | "boolean" | "array" | "object";
}

/** The paths of the lab's stack. Makes no files. */
export function workspaceOf(lab: Lab, programDir = PROGRAM): Workspace {
    const root = join(lab.dir, "pulumi");
    return {
        ...readProject(programDir),
        dir: join(root, "work"),
        configFile: join(root, "work", `Pulumi.${STACK}.yaml`),
        stateDir: join(root, "state"),
        home: join(root, "home"),
        passphraseFile: join(root, "passphrase"),
        logDir: join(lab.dir, "logs"),
    };
}

/** Makes the directories and the passphrase, and updates the copy of Pulumi.yaml. */
export function prepareWorkspace(workspace: Workspace, programDir = PROGRAM): void {
    for (const dir of [workspace.dir, workspace.stateDir, workspace.home, workspace.logDir]) {
        mkdirSync(dir, { recursive: true, mode: 0o700 });
    }
    if (!existsSync(workspace.passphraseFile)) {
        writeFileSync(workspace.passphraseFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    // With `main`, the plain CLI finds the program from the lab's directory.
    const project = readProjectFile(programDir);
    const main = resolve(programDir, project.main ?? ".");
    writeFileSync(join(workspace.dir, "Pulumi.yaml"), stringify({ ...project, main }));
    rmSync(join(workspace.stateDir, ".pulumi", "history"), { recursive: true, force: true });
    // A file in place of the directory keeps the engine from writing encrypted logs. They take a fifth of a preview's
    // time and are never removed. The lab has its own logs.
    const engineLogs = join(workspace.home, "logs");
    rmSync(engineLogs, { recursive: true, force: true });
    writeFileSync(engineLogs, "");
}

/** Variables that make the `pulumi` command use the lab's stack. */
export function stackVariables(workspace: Workspace): Record<string, string> {
    return {
        PULUMI_BACKEND_URL: `file://${workspace.stateDir}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: workspace.passphraseFile,
        PULUMI_HOME: workspace.home,
        PULUMI_STACK: STACK,
    };
}

/** The environment of an engine run: the caller's, without variables of another stack or cloud account. */
export function engineEnvironment(
    workspace: Workspace,
    command: string,
    debugProviders?: string,
): Record<string, string> {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(PULUMI_|AWS_)/.test(name));
    const path = process.env.PATH ?? "";
    return {
        ...(Object.fromEntries(inherited) as Record<string, string>),
        ...stackVariables(workspace),
        PATH: isAbsolute(command) ? `${dirname(command)}${delimiter}${path}` : path,
        // Enables the flags for an inline program. The Automation API sets it too.
        PULUMI_DEBUG_COMMANDS: "true",
        PULUMI_AUTOMATION_API: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_DIY_BACKEND_NO_LEGACY_WARNING: "true",
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
        ...(debugProviders ? { PULUMI_DEBUG_PROVIDERS: debugProviders } : {}),
    };
}

/** The stack in the file backend; undefined if there is none. */
export function readCheckpoint(workspace: Workspace): Checkpoint | undefined {
    const file = join(workspace.stateDir, ".pulumi", "stacks", workspace.project, `${STACK}.json`);
    const kept = readKept<{ checkpoint?: { latest?: Checkpoint } }>(file);
    return kept && (kept.checkpoint?.latest ?? {});
}

/**
 * Removes empty attribute files. The file backend writes them in place, so a killed engine can leave them empty. The
 * next engine then cannot read the state, but it can without them.
 */
export function removeBrokenAttributes({ stateDir }: Workspace): void {
    if (!existsSync(stateDir)) return;
    for (const name of readdirSync(stateDir, { recursive: true, encoding: "utf8" })) {
        if (!name.endsWith(".attrs")) continue;
        const file = join(stateDir, name);
        try {
            JSON.parse(readFileSync(file, "utf8"));
        } catch {
            rmSync(file, { force: true });
        }
    }
}

export interface Checkpoint {
    resources?: {
        urn: string;
        id?: string;
        type: string;
        custom?: boolean;
        protect?: boolean;
        outputs?: Record<string, unknown>;
    }[];
    pending_operations?: unknown[];
}

/** Lock files of engines on the stack, with the process that made each. */
export function engineLocks(workspace: Workspace): { file: string; pid: number; hostname: string }[] {
    const dir = join(workspace.stateDir, ".pulumi", "locks", "organization", workspace.project, STACK);
    if (!existsSync(dir)) return [];
    return readdirSync(dir)
        .filter((name) => name.endsWith(".json"))
        .map((name) => {
            const file = join(dir, name);
            const { pid, hostname } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; hostname: string };
            return { file, pid, hostname };
        });
}

/** Name and settings of the program from its Pulumi.yaml. */
export function readProject(programDir = PROGRAM): Pick<Workspace, "project" | "schema"> {
    const { name, config = {} } = readProjectFile(programDir);
    const isTyped = (value: unknown): value is ConfigKey => typeof value === "object" && value !== null;
    const schema = Object.entries(config).map(([key, value]) => [key, isTyped(value) ? value : {}] as const);
    return { project: name, schema: Object.fromEntries(schema) };
}

function readProjectFile(programDir: string): ProjectFile {
    const file = join(programDir, "Pulumi.yaml");
    if (!existsSync(file)) throw new LabError(`${file} is missing: run the lab from a complete checkout`);
    return parse(readFileSync(file, "utf8")) as ProjectFile;
}

interface ProjectFile {
    name: string;
    main?: string;
    config?: Record<string, unknown>;
}
