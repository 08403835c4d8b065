import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";
import { contradictions } from "./contradictions.ts";
import { Secret } from "./settings/secret.ts";
import { SETTINGS, type Setting, type SettingName, type Settings } from "./settings.ts";

/** The SDK keeps this out of its declarations, and offers no other way to ask whether a key was set with --secret. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/** One or more settings are wrong. `problems` has one sentence each; a RunError is shown without a stack trace. */
export class SettingsError extends pulumi.RunError {
    constructor(readonly problems: readonly string[]) {
        super(problems.join("\n"));
        // The SDK has util.inspect colour the stack before it hides it. Thrown while index.ts loads, it holds a frame of
        // node_modules/@pulumi/resource.ts, for which Node 20's colouring needs 20 seconds and much memory.
        this.stack = this.message;
    }
}

/**
 * The settings of the current stack.
 * @throws SettingsError that names every wrong, missing or misspelt setting, before anything is created.
 */
export function loadSettings(project = pulumi.getProject()): Settings {
    const values: Record<string, unknown> = {};
    const shown: string[] = [];
    const readable: string[] = [];
    for (const [key, text] of Object.entries(pulumi.runtime.allConfig())) {
        if (!key.startsWith(`${project}:`)) continue;
        const name = key.slice(project.length + 1);
        values[name] = fromConfiguration(name, text);
        const setting = (SETTINGS as Record<string, Setting>)[name];
        if (setting && isConfigSecret(key) && !setting.secret) shown.push(name);
        if (setting?.secret && !isConfigSecret(key) && text !== "" && text !== "{}") readable.push(name);
    }
    if (shown.length > 0) {
        throw new SettingsError(shown.map(shownSecret));
    }
    for (const name of readable) {
        void pulumi.log.warn(
            `${name} is readable in the stack's configuration file: set it anew with \`pulumi config set --secret\`.`,
        );
    }
    return parseSettings(values);
}

/** A secret where previews would show it. */
export function shownSecret(name: string): string {
    return `${name} holds a secret but is shown in previews: put secrets into linkmeshEnvironment, and set ${name} without --secret.`;
}

/** The stack configuration holds text; lists and objects are JSON. Text that is no JSON is left to the validation. */
function fromConfiguration(name: string, text: string): unknown {
    const type = (SETTINGS as Record<string, Setting>)[name]?.type;
    if (type !== "array" && type !== "object") return text;
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return text;
    }
}

/**
 * Validates plain values and fills in the defaults. Pure.
 * @throws SettingsError with all problems at once.
 */
export function parseSettings(values: Readonly<Record<string, unknown>>): Settings {
    const names = Object.keys(SETTINGS) as SettingName[];
    const problems = Object.keys(values)
        .filter((name) => !(name in SETTINGS))
        .map((name) => misspelt(name, names));
    const parsed: Record<string, unknown> = {};
    for (const name of names) {
        const { schema, default: preset, secret } = SETTINGS[name] as Setting;
        const value = values[name] ?? preset;
        if (value === undefined || (value === "" && preset === undefined)) {
            problems.push(
                `${name} is missing: set it with \`pulumi config set ${name} VALUE\` (${SETTINGS[name].example}).`,
            );
            continue;
        }
        const result = schema.safeParse(value);
        if (result.success) parsed[name] = secret ? new Secret(result.data) : result.data;
        else problems.push(`${name} ${reason(result.error)}.`);
    }
    if (problems.length === 0) problems.push(...contradictions(parsed as Settings));
    if (problems.length > 0) throw new SettingsError(problems);
    return parsed as Settings;
}

function misspelt(name: string, names: readonly string[]): string {
    const nearest = closest(name, names);
    const hint =
        distance(name.toLowerCase(), nearest.toLowerCase()) <= 4
            ? `did you mean ${nearest}?`
            : `the settings are listed in the README.`;
    return `${name} is not a setting: ${hint} Remove it with \`pulumi config rm ${name}\`.`;
}

function reason(error: z.ZodError): string {
    const issue = error.issues[0]!;
    // Zod's own words begin so; ours are sentences already.
    if (!issue.message.startsWith("Invalid")) return issue.message;
    // Of an optional value's two branches (empty, or the real rule) the second tells what to do.
    if (issue.code === "invalid_union") return issue.errors.at(-1)?.[0]?.message ?? issue.message;
    if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
    if (issue.code === "invalid_type")
        return `must be ${/^[aeiou]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`;
    return issue.message;
}
