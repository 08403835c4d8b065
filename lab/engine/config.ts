import { closest, distance } from "fastest-levenshtein";
import { readFileSync, writeFileSync } from "node:fs";
import { readKept } from "../kept-file.ts";
import { LabError } from "../lab.ts";
import type { ConfigKey } from "./workspace.ts";

/** Plain configuration by full key, as "linkmesh-proxy:domain". */
export type Configuration = Record<string, unknown>;

/** The settings of `--set` as the user typed them, by full key. */
export type Overrides = Record<string, string>;

/**
 * Applies `--set KEY=VALUE` arguments to the overrides and returns new overrides. An empty value removes an override, and
 * @FILE stands for the text of a file. Keys are those of Pulumi.yaml. The project's name in front is optional.
 */
export function applySets(
    previous: Overrides,
    sets: readonly string[],
    project: string,
    schema: Record<string, ConfigKey>,
): Overrides {
    const next = { ...previous };
    for (const set of sets) {
        const [, typed, given] = /^([^=]+)=(.*)$/s.exec(set) ?? [];
        if (typed === undefined || given === undefined) {
            throw new LabError(
                `--set ${set} has no value: write --set key=value, or --set key= to take a setting back`,
            );
        }
        const key = fullKey(typed.trim(), project, schema);
        if (given === "") {
            delete next[key];
            continue;
        }
        const value = given.startsWith("@") ? readValue(typed, given.slice(1)) : given;
        parseValue(key, value, typeOf(key, project, schema));
        next[key] = value;
    }
    return next;
}

/** The text of a file without line breaks at its end, as the shell's $(cat FILE). In an argument, everybody could read it. */
function readValue(key: string, file: string): string {
    let text: string;
    try {
        text = readFileSync(file, "utf8").replace(/\n+$/, "");
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const reason = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
        throw new LabError(`--set ${key}=@${file}: the file ${reason}: give the path of a file with the value`);
    }
    if (text === "")
        throw new LabError(`--set ${key}=@${file}: the file is empty: write --set ${key}= to take a setting back`);
    return text;
}

/** The stack's configuration: the lab's values, replaced by the overrides. */
export function configuration(
    lab: Configuration,
    overrides: Overrides,
    project: string,
    schema: Record<string, ConfigKey>,
): Configuration {
    const merged = { ...lab };
    for (const [key, value] of Object.entries(overrides)) {
        // If Pulumi.yaml no longer has a key, the program reports it.
        merged[key] = parseValue(key, value, typeOf(key, project, schema));
    }
    return merged;
}

export function readOverrides(file: string): Overrides {
    return readKept<Overrides>(file) ?? {};
}

export function writeOverrides(file: string, overrides: Overrides): void {
    writeFileSync(file, JSON.stringify(overrides, null, 2), { mode: 0o600 });
}

/** The name of a key in Pulumi.yaml, where the project's keys may have the project's name in front. */
function schemaName(key: string, project: string, schema: Record<string, ConfigKey>): string | undefined {
    const short = key.startsWith(`${project}:`) ? key.slice(project.length + 1) : key;
    return [short, `${project}:${short}`].find((name) => Object.hasOwn(schema, name));
}

function typeOf(key: string, project: string, schema: Record<string, ConfigKey>): ConfigKey["type"] {
    const name = schemaName(key, project, schema);
    return name === undefined ? "string" : schema[name]!.type;
}

function fullKey(typed: string, project: string, schema: Record<string, ConfigKey>): string {
    const short = typed.startsWith(`${project}:`) ? typed.slice(project.length + 1) : typed;
    if (schemaName(short, project, schema) !== undefined) return `${project}:${short}`;
    // Provider settings are not in a project's schema.
    if (/^aws:\w+$/.test(short)) return short;
    // As in `pulumi config set --path`.
    const [object = ""] = short.split(".");
    if (schemaName(object, project, schema) !== undefined) {
        throw new LabError(
            `--set ${typed}=… is a part of ${object}: write the whole as JSON, --set '${object}={"key":"value"}'`,
        );
    }
    const nearest = closest(short, Object.keys(schema));
    const isNear = nearest !== undefined && distance(short.toLowerCase(), nearest.toLowerCase()) <= 4;
    const hint = isNear ? `did you mean ${nearest}?` : "docs/settings.md lists them all";
    throw new LabError(`--set ${typed}=… is not a setting of the program: ${hint}`);
}

function parseValue(key: string, text: string, type: ConfigKey["type"]): unknown {
    const wrong = (expected: string) => new LabError(`--set ${key.split(":").at(-1)} must be ${expected}`);
    switch (type) {
        case "integer":
        case "number": {
            const value = Number(text);
            if (text.trim() === "" || !Number.isFinite(value)) throw wrong("a number");
            if (type === "integer" && !Number.isInteger(value)) throw wrong("a whole number");
            return value;
        }
        case "boolean":
            if (text !== "true" && text !== "false") throw wrong("true or false");
            return text === "true";
        case "array": {
            if (!text.trimStart().startsWith("[")) return text.split(",").map((item) => item.trim());
            const value = parseJson(text);
            if (!Array.isArray(value)) throw wrong('a list, as a,b or as JSON ["a","b"]');
            return value;
        }
        case "object": {
            const value = parseJson(text);
            if (typeof value !== "object" || value === null || Array.isArray(value))
                throw wrong('a JSON object, as {"key":"value"}');
            return value;
        }
        default:
            return text;
    }
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}
