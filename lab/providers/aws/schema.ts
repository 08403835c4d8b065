import { closest, distance } from "fastest-levenshtein";
import type { CheckFailure } from "../provider.ts";
import { type Value, type Values, asText, equal, hasUnknown, isMap, isUnknown } from "../values.ts";

/** What one input property of a resource may be, and what a change of it does. */
export interface Property {
    /**
     * A "strings" is a list of strings, a "set" one without order, "objects" a list that `invalid` looks into, "tags" a
     * map of strings; a schema is a nested block.
     */
    kind: "string" | "integer" | "boolean" | "strings" | "set" | "objects" | "tags" | Schema;
    required?: true;
    /** A change replaces the resource. Without it a change is made in place. */
    forceNew?: true;
    /** AWS chooses when it is absent: leaving it out later is no change. */
    computed?: true;
    /** Filled in by check, as the real provider does. */
    default?: Value;
    /** The reason why a known value is wrong. */
    invalid?: (value: never) => string | undefined;
    /** Two texts with the same canonical form are the same value. */
    canonical?: (value: string) => string;
}

export type Schema = { [name: string]: Property };

/** Fills defaults in and lists everything that is wrong. `owner` is how messages call the thing: "aws:ec2/vpc:Vpc". */
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
            if (property.required)
                failures.push({
                    property: path + name,
                    reason: `missing required property "${path}${name}" of ${owner}`,
                });
            continue;
        }
        if (isMap(value) && typeof property.kind === "object") {
            const nested = checkSchema(property.kind, value, owner, `${path}${name}.`);
            values[name] = nested.values;
            failures.push(...nested.failures);
            continue;
        }
        values[name] = value;
        const reason = isUnknown(value) ? undefined : wrong(property, value);
        if (reason) failures.push({ property: path + name, reason });
    }
    return { values, failures };
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
    if (property.computed && (now ?? null) === null) return "same";
    if (typeof property.kind === "object" && isMap(now) && (isMap(old) || (old ?? null) === null)) {
        const { changed, replaces } = diffSchema(property.kind, isMap(old) ? old : {}, now);
        if (replaces.length) return "replace";
        return changed.length ? "update" : "same";
    }
    if (equal(canonical(property, old), canonical(property, now))) return "same";
    return property.forceNew ? "replace" : "update";
}

function canonical(property: Property, value: Value | undefined): Value | undefined {
    if (property.kind === "set" && Array.isArray(value) && !hasUnknown(value)) return [...value].sort();
    if (property.canonical && typeof value === "string" && !isUnknown(value)) return property.canonical(value);
    return value;
}

function wrong(property: Property, value: Value): string | undefined {
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
        default:
            return `expected an object, got ${describe(value)}`;
    }
    if (hasUnknown(value)) return undefined;
    return property.kind === "tags" ? wrongTags(value as Values) : property.invalid?.(value as never);
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
