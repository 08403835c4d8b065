import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";

const HIDDEN = "[secret]";

/**
 * A value that is shown nowhere. Its text, its JSON and what a debugger prints of it are "[secret]", and a resource that
 * is given it by mistake gets an empty object. What is made of it is a secret again; the engine alone gets the value.
 */
export class Secret<T = string> {
    readonly #value: T;

    constructor(value: T) {
        this.#value = value;
    }

    /** Another secret, made of this one. */
    map<U>(make: (value: T) => U): Secret<U> {
        return new Secret(make(this.#value));
    }

    /** The answer to a question about the value, which is all that a validation needs. */
    test(holds: (value: T) => boolean): boolean {
        return holds(this.#value);
    }

    /** False for the empty text of a setting that is not set. */
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

/** The answer to a question about a value, whether or not it is a secret. */
export function holds<T>(value: T | Secret<T>, question: (value: T) => boolean): boolean {
    return value instanceof Secret ? value.test(question) : question(value);
}

/** What is made of a value; a secret if the value is one. */
export function made<T, U>(value: T | Secret<T>, make: (value: T) => U): U | Secret<U> {
    return value instanceof Secret ? value.map(make) : make(value);
}

/** The files of a step, the secret ones apart. */
export function bySecrecy(files: Readonly<Record<string, string | Secret>>) {
    const entries = Object.entries(files);
    const isSecret = (entry: [string, string | Secret]): entry is [string, Secret] => entry[1] instanceof Secret;
    const isPlain = (entry: [string, string | Secret]): entry is [string, string] => !isSecret(entry);
    return {
        files: Object.fromEntries(entries.filter(isPlain)),
        secrets: Object.fromEntries(entries.filter(isSecret)),
    };
}
