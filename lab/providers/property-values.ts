import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";

/** A property value in clear text. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Values = { [key: string]: Value };

/**
 * The properties of a resource: values in clear text, and the names of the top-level properties that contain a secret.
 * Sent back, such a property is secret as a whole.
 */
export interface Properties {
    values: Values;
    secrets: ReadonlySet<string>;
}

/** Pulumi's placeholder for a value that is unknown until the update runs. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export function isUnknown(value: Value | undefined): boolean {
    return value === UNKNOWN;
}

/** True if a value is unknown or contains an unknown value. */
export function hasUnknown(value: Value | undefined): boolean {
    if (Array.isArray(value)) return value.some(hasUnknown);
    if (isMap(value)) return Object.values(value).some(hasUnknown);
    return isUnknown(value);
}

export function isMap(value: Value | undefined): value is Values {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as text: a string as it is, other values as JSON, an absent value as "". */
export function asText(value: Value | undefined): string {
    if (value === undefined || value === null) return "";
    return typeof value === "string" ? value : JSON.stringify(value);
}

/** Deep equality. An absent key equals null. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
    if (a === b || (a ?? null) === (b ?? null)) return true;
    if (Array.isArray(a) && Array.isArray(b)) {
        return a.length === b.length && a.every((item, index) => equal(item, b[index]));
    }
    if (isMap(a) && isMap(b)) {
        return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(a[key], b[key]));
    }
    return false;
}

/** Decodes properties from the wire. An absent struct has no properties. */
export function decode(wire: Struct | undefined): Properties {
    const secrets = new Set<string>();
    const values: Values = {};
    for (const [key, value] of Object.entries(wire?.toJavaScript() ?? {})) {
        values[key] = reveal(value, () => secrets.add(key));
    }
    return { values, secrets };
}

/** Encodes properties for the wire. Null and undefined values are left out. */
export function encode(values: { [key: string]: Value | undefined }, secrets: ReadonlySet<string> = new Set()): Struct {
    const wire: Record<string, struct.JavaScriptValue> = {};
    for (const [key, value] of Object.entries(values)) {
        if (value === undefined || value === null) continue;
        // An unknown value must not be wrapped: the engine takes a wrapped one for a known string.
        const wrapped = secrets.has(key) && !hasUnknown(value) ? { [SIGNATURE]: SECRET, value } : value;
        wire[key] = wrapped as struct.JavaScriptValue;
    }
    return struct.Struct.fromJavaScript(wire);
}

function reveal(value: Value, found: () => void): Value {
    if (Array.isArray(value)) return value.map((item) => reveal(item, found));
    if (!isMap(value)) return value;
    if (value[SIGNATURE] === SECRET) {
        found();
        return reveal(value["value"] ?? null, found);
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item, found)]));
}
