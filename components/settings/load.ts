import * as pulumi from "@pulumi/pulumi";
import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { brokenRules } from "./rules/rules.ts";
import { Secret } from "./secret.ts";
import { SETTINGS, type Setting, type SettingName, type Settings } from "./settings.ts";

/** Not in the SDK's type declarations, but the only way to know whether a key was set with --secret. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/** One or more settings are wrong; `problems` has a message for each. Pulumi shows a RunError without a stack trace. */
export class SettingsError extends pulumi.RunError {
    constructor(readonly problems: readonly string[]) {
        super(problems.join("\n"));
        // The SDK colours the stack with util.inspect before it hides it. If the error is thrown while index.ts loads, the
        // stack has a frame of node_modules/@pulumi/resource.ts, which takes Node 20 about 20 seconds and much memory.
        this.stack = this.message;
    }
}

/**
 * The settings of the current stack.
 * @throws SettingsError that lists every wrong, missing or misspelt setting.
 */
export function loadSettings(project = pulumi.getProject()): Settings {
    const values: Record<string, unknown> = {};
    const secrets = new Set<string>();
    for (const [key, text] of Object.entries(pulumi.runtime.allConfig())) {
        if (!key.startsWith(`${project}:`)) continue;
        const name = key.slice(project.length + 1);
        values[name] = fromConfiguration(name, text);
        if (isConfigSecret(key)) secrets.add(name);
    }
    const settings = parseSettings(values, secrets);
    for (const name of Object.keys(values) as SettingName[]) {
        if (settings[name] instanceof Secret && !secrets.has(name) && !isEmpty(values[name])) {
            void pulumi.log.warn(
                `${name} is readable in the stack's configuration file. Set it again with \`pulumi config set --secret\`.`,
            );
        }
    }
    return settings;
}

function isEmpty(value: unknown): boolean {
    return isUnset(value) || JSON.stringify(value) === "{}";
}

/** The message for a secret in a setting that previews show. */
function misplacedSecret(name: string): string {
    return `${name} is a secret, but previews show it. Put secrets into linkmeshEnvironment or linkmeshFiles, and set ${name} without --secret.`;
}

/** True for unknown names, which get an error of their own. */
function mayBeSecret(name: string): boolean {
    if (!Object.hasOwn(SETTINGS, name)) return true;
    const { secret, holdsCredentials } = SETTINGS[name as SettingName] as Setting;
    return secret === true || holdsCredentials !== undefined;
}

/**
 * The stack configuration holds text. Lists and objects are JSON; a list can also be values separated by commas. Text that is
 * not JSON is returned as it is, so that the validation reports it.
 */
function fromConfiguration(name: string, text: string): unknown {
    const type = (SETTINGS as Record<string, Setting>)[name]?.type;
    if ((type !== "array" && type !== "object") || isUnset(text)) return text;
    if (type === "array" && !/^\s*(\[|null\s*$)/.test(text)) return text.split(",");
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return text;
    }
}

/**
 * Validates plain values and fills in the defaults. Pure.
 * @param secrets names of the settings to keep secret.
 * @throws SettingsError with all problems at once.
 */
export function parseSettings(
    values: Readonly<Record<string, unknown>>,
    secrets: ReadonlySet<string> = new Set(),
): Settings {
    const names = Object.keys(SETTINGS) as SettingName[];
    const misplaced = [...secrets].filter((name) => !mayBeSecret(name));
    if (misplaced.length > 0) throw new SettingsError(misplaced.map(misplacedSecret));
    const problems = Object.keys(values)
        .filter((name) => !Object.hasOwn(SETTINGS, name))
        .map((name) => misspelt(name, names));
    const parsed: Record<string, unknown> = {};
    for (const name of names) {
        const setting = SETTINGS[name] as Setting;
        const { schema, default: defaultValue, type } = setting;
        const value = isUnset(values[name]) ? defaultValue : values[name];
        if (value === undefined) {
            problems.push(
                `${name} is missing. Set it with \`pulumi config set ${name} VALUE\` (${SETTINGS[name].example}).`,
            );
            continue;
        }
        // Removes zod's own messages, so that an issue without a message of ours has an empty one.
        const result = schema.safeParse(value, { error: () => "" });
        if (result.success)
            parsed[name] = isSecret(setting, result.data, secrets.has(name)) ? new Secret(result.data) : result.data;
        else problems.push(`${name}${reason(result.error.issues[0]!, type)}.`);
    }
    if (problems.length === 0) problems.push(...brokenRules(parsed as Settings));
    if (problems.length > 0) throw new SettingsError(problems);
    return parsed as Settings;
}

function isSecret({ secret, holdsCredentials }: Setting, value: unknown, hidden: boolean): boolean {
    return (
        secret === true ||
        (holdsCredentials !== undefined && value !== "" && (hidden || holdsCredentials(value as string)))
    );
}

/** Also true for white space only. */
function isUnset(value: unknown): boolean {
    return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

function misspelt(name: string, names: readonly SettingName[]): string {
    const renamed = names.find((other) => (SETTINGS[other] as Setting).formerName === name);
    if (renamed !== undefined) {
        return `${name} is called ${renamed}. Set that instead, and remove the old one with \`pulumi config rm ${name}\`.`;
    }
    const distanceTo = (other: string) => distance(name.toLowerCase(), other.toLowerCase());
    const nearest = [...names].sort((a, b) => distanceTo(a) - distanceTo(b))[0]!;
    // A third of the letters may be wrong. With a fixed number, every short name would be close to some setting.
    const hint =
        distanceTo(nearest) <= Math.max(1, Math.floor(name.length / 3))
            ? `Did you mean ${nearest}?`
            : "docs/settings.md lists the settings.";
    return `${name} is not a setting. ${hint} Remove it with \`pulumi config rm ${name}\`.`;
}

/** The rest of the message after the setting's name: the key, if the setting is a map, and what is wrong. */
function reason(issue: z.core.$ZodIssue, type: Setting["type"]): string {
    if (issue.message === "") {
        // An optional value is a union of "" and the real schema. The issue of the second one says what to do.
        if (issue.code === "invalid_union" && issue.errors.length > 0) return reason(issue.errors.at(-1)![0]!, type);
        if (issue.code === "invalid_key") return reason(issue.issues[0]!, type);
    }
    const key = issue.path.map((part) => (typeof part === "string" ? `.${part}` : "")).join("");
    if (issue.message !== "") return `${key} ${issue.message}`;
    if (issue.path.length > 0) return `${key} must hold text alone`;
    return ` must be ${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}
