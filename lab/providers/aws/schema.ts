import { closest, distance } from "fastest-levenshtein";
import type { CheckFailure } from "../provider.ts";
import { violation } from "./constraint.ts";
import { type ModelRef, constraintOf } from "./models.ts";
import { type Value, type Values, asText, equal, hasUnknown, isMap, isUnknown } from "../property-values.ts";

/** The allowed values of an input property, and the effect of a change. */
export interface Property {
    /**
     * "strings" is a list of strings, "set" a list without order, "objects" a list that `invalid` checks, "tags" a map
     * of strings. A schema is a nested block, a schema in brackets a list of blocks.
     */
    kind: "string" | "integer" | "boolean" | "strings" | "set" | "objects" | "tags" | Schema | [Schema];
    required?: true;
    /** Why the lab requires it although AWS does not. */
    needed?: string;
    /** A change replaces the resource. If absent, a change is made in place. */
    forceNew?: true;
    /** AWS chooses a value if it is absent. Removing it later is no change. */
    computed?: true;
    /** `check` fills it in, as the real provider does. */
    default?: Value;
    /** The member in AWS's published model with its constraints. */
    model?: ModelRef;
    /** Why it has no effect in the lab. Every other input has an effect or is refused. */
    inert?: string;
    /** Returns why a known value is wrong, beyond kind and model. */
    invalid?: (value: never) => string | undefined;
    /** Texts with the same canonical form are the same value. */
    canonical?: (value: string) => string;
}

/** The `inert` reason of an input for which the lab accepts one value only. */
export const ONE_VALUE = "the lab takes one value only";

export type Schema = { [name: string]: Property };

/** Fills in defaults and lists all failures. `owner` is the resource's name in messages: "aws:ec2/vpc:Vpc". */
export function checkSchema(
    schema: Schema,
    inputs: Values,
    owner: string,
    path = "",
): { values: Values; failures: CheckFailure[] } {
    const failures: CheckFailure[] = [];
    const values: Values = {};
    for (const [name, value] of Object.entries(inputs)) {
        if (value === null || schema[name]) continue;
        failures.push({ property: path + name, reason: unsupported(schema, name, owner) });
    }
    for (const [name, property] of Object.entries(schema)) {
        const value = inputs[name] ?? property.default ?? null;
        if (value === null) {
            const { required, needed } = property;
            if (required || needed !== undefined) {
                const why = needed === undefined ? "" : `: ${needed}`;
                const reason = `missing required property "${path}${name}" of ${owner}${why}`;
                failures.push({ property: path + name, reason });
            }
            continue;
        }
        const checked = checkValue(property, value, owner, path + name);
        values[name] = checked.value;
        failures.push(...checked.failures);
    }
    return { values, failures };
}

function checkValue(
    property: Property,
    value: Value,
    owner: string,
    path: string,
): { value: Value; failures: CheckFailure[] } {
    const { kind } = property;
    if (isBlock(kind) && isMap(value)) {
        const { values, failures } = checkSchema(kind, value, owner, `${path}.`);
        return { value: values, failures };
    }
    if (isBlockList(kind) && Array.isArray(value)) {
        const blocks = value.map((item, index) => checkValue({ kind: kind[0] }, item, owner, `${path}[${index}]`));
        const reason = breach(property, value, path);
        const failures = [
            ...blocks.flatMap((block) => block.failures),
            ...(reason ? [{ property: path, reason }] : []),
        ];
        return { value: blocks.map((block) => block.value), failures };
    }
    const reason = isUnknown(value) ? undefined : wrong(property, value, path);
    return { value, failures: reason ? [{ property: path, reason }] : [] };
}

export function isBlock(kind: Property["kind"]): kind is Schema {
    return typeof kind === "object" && !Array.isArray(kind);
}

export function isBlockList(kind: Property["kind"]): kind is [Schema] {
    return Array.isArray(kind);
}

/** Names of the top-level properties that differ, and of those among them that force a replacement. */
export function diffSchema(schema: Schema, olds: Values, news: Values): { changed: string[]; replaces: string[] } {
    const changed: string[] = [];
    const replaces: string[] = [];
    for (const [name, property] of Object.entries(schema)) {
        const change = compare(property, olds[name], news[name]);
        if (change !== "same") changed.push(name);
        if (change === "replace") replaces.push(name);
    }
    return { changed, replaces };
}

function compare(property: Property, old: Value | undefined, now: Value | undefined): "same" | "update" | "replace" {
    const { kind } = property;
    if (property.computed && (now ?? null) === null) return "same";
    if (isBlock(kind) && isMap(now) && (isMap(old) || (old ?? null) === null)) {
        const { changed, replaces } = diffSchema(kind, isMap(old) ? old : {}, now);
        if (replaces.length) return "replace";
        return changed.length ? "update" : "same";
    }
    if (isBlockList(kind) && Array.isArray(now) && Array.isArray(old)) {
        const changes = now.map((item, index) => compare({ kind: kind[0] }, old[index], item));
        if (changes.includes("replace")) return "replace";
        return changes.includes("update") || now.length !== old.length ? "update" : "same";
    }
    if (equal(canonical(property, old), canonical(property, now))) return "same";
    return property.forceNew ? "replace" : "update";
}

function canonical(property: Property, value: Value | undefined): Value | undefined {
    if (property.kind === "set" && Array.isArray(value) && !hasUnknown(value)) return [...value].sort();
    if (property.canonical && typeof value === "string" && !isUnknown(value)) return property.canonical(value);
    return value;
}

function wrong(property: Property, value: Value, path: string): string | undefined {
    const known = (item: Value) => isUnknown(item) || typeof item === "string";
    switch (property.kind) {
        case "string":
            if (typeof value !== "string") return `expected a string, got ${describe(value)}`;
            break;
        case "boolean":
            if (typeof value !== "boolean") return `expected true or false, got ${describe(value)}`;
            break;
        case "integer":
            if (!Number.isInteger(value)) return `expected a whole number, got ${describe(value)}`;
            break;
        case "strings":
        case "set":
            if (!Array.isArray(value) || !value.every(known))
                return `expected a list of strings, got ${describe(value)}`;
            break;
        case "objects":
            if (!Array.isArray(value)) return `expected a list, got ${describe(value)}`;
            break;
        case "tags":
            if (!isMap(value) || !Object.values(value).every(known))
                return `expected a map of strings, got ${describe(value)}`;
            break;
        default: {
            const expected = isBlockList(property.kind) ? "a list of objects" : "an object";
            return `expected ${expected}, got ${describe(value)}`;
        }
    }
    if (hasUnknown(value)) return undefined;
    const reason = property.kind === "tags" ? wrongTags(value as Values) : undefined;
    return reason ?? breach(property, value, path);
}

function breach({ kind, required, needed, model, invalid }: Property, value: Value, path: string): string | undefined {
    // The provider does not send an empty map of tags, so its constraints do not apply.
    if (kind === "tags" && !required && !needed && equal(value, {})) return undefined;
    return (model && violation(constraintOf(model), value, path)) ?? invalid?.(value as never);
}

/** Every model reference in a schema. */
export function modelRefs(schema: Schema): ModelRef[] {
    return Object.values(schema).flatMap(({ kind, model }) => [
        ...(model ? [model] : []),
        ...(isBlock(kind) ? modelRefs(kind) : isBlockList(kind) ? modelRefs(kind[0]) : []),
    ]);
}

function wrongTags(tags: Values): string | undefined {
    const entries = Object.entries(tags);
    if (entries.length > 50) return `${entries.length} tags: AWS allows 50`;
    for (const [key, value] of entries) {
        if (!key || key.length > 128) return `tag key "${key}": AWS allows 1 to 128 characters`;
        if (key.toLowerCase().startsWith("aws:")) return `tag key "${key}": the prefix aws: is reserved`;
        if (asText(value).length > 256) return `tag "${key}": AWS allows a value of at most 256 characters`;
    }
    return undefined;
}

function unsupported(schema: Schema, name: string, owner: string): string {
    const names = Object.keys(schema);
    const near = closest(name, names);
    const hint = distance(name, near) <= 3 ? ` (did you mean "${near}"?)` : "";
    return `the lab's stand-in for AWS does not know the property "${name}" of ${owner}${hint}; it knows ${names.join(", ")}`;
}

function describe(value: Value): string {
    if (Array.isArray(value)) return "a list";
    return isMap(value) ? "an object" : `the ${typeof value} ${JSON.stringify(value)}`;
}

export function oneOf(...allowed: string[]): (value: string) => string | undefined {
    return (value) => (allowed.includes(value) ? undefined : `"${value}" is none of ${allowed.join(", ")}`);
}

export function between(least: number, most: number): (value: number) => string | undefined {
    return (value) =>
        value >= least && value <= most ? undefined : `${value satisfies Value} is not between ${least} and ${most}`;
}
