import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";

const HIDDEN = "[secret]";

/**
 * A value that is never shown. Converted to text or JSON, or inspected, it is "[secret]". A resource that gets it by mistake
 * gets an empty object. Values derived from it are secrets again, and only the engine gets the value.
 */
export class Secret<T = string> {
    readonly #value: T;

    constructor(value: T) {
        this.#value = value;
    }

    /** A secret derived from this one. */
    map<U>(transform: (value: T) => U): Secret<U> {
        return new Secret(transform(this.#value));
    }

    /** Whether the value passes a test. Validations need no more. */
    test(condition: (value: T) => boolean): boolean {
        return condition(this.#value);
    }

    /** The entries of a map. Their names are no secret: the stack's configuration shows them beside the encrypted values. */
    entries<V>(this: Secret<Readonly<Record<string, V>>>): [name: string, value: Secret<V>][] {
        return Object.entries(this.#value).map(([name, value]) => [name, new Secret(value)]);
    }

    /** A setting that is not set has an empty text. */
    isSet(this: Secret): boolean {
        return this.#value !== "";
    }

    /** For a resource: the engine encrypts it in the state, and hides it in previews and logs. */
    output(): pulumi.Output<T> {
        return pulumi.secret(this.#value) as pulumi.Output<T>;
    }

    toString(): string {
        return HIDDEN;
    }

    toJSON(): string {
        return HIDDEN;
    }

    [inspect.custom](): string {
        return HIDDEN;
    }
}

/** Whether a value, secret or not, passes a test. */
export function testValue<T>(value: T | Secret<T>, condition: (value: T) => boolean): boolean {
    return value instanceof Secret ? value.test(condition) : condition(value);
}

/** A value derived from another one; a secret if that is one. */
export function mapValue<T, U>(value: T | Secret<T>, transform: (value: T) => U): U | Secret<U> {
    return value instanceof Secret ? value.map(transform) : transform(value);
}

/** The files of a step, divided into plain and secret ones. */
export function splitSecrets(files: Readonly<Record<string, string | Secret>>) {
    const entries = Object.entries(files);
    const isSecret = (entry: [string, string | Secret]): entry is [string, Secret] => entry[1] instanceof Secret;
    const isPlain = (entry: [string, string | Secret]): entry is [string, string] => !isSecret(entry);
    return {
        files: Object.fromEntries(entries.filter(isPlain)),
        secrets: Object.fromEntries(entries.filter(isSecret)),
    };
}
