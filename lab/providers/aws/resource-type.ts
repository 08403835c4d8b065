import { createHash, randomBytes } from "node:crypto";
import { ACCOUNT, type CloudState } from "../../cloud/state.ts";
import type { Lab } from "../../lab.ts";
import { type CheckFailure, type OperationRequest, ProviderError } from "../provider.ts";
import { type Value, type Values, asText } from "../property-values.ts";
import type { Schema } from "./schema.ts";

/** One resource type of AWS: its inputs, its outputs, and its effect on the cloud. */
export interface ResourceType {
    /** Its name in the real provider's messages: "EC2 VPC". */
    label: string;
    inputs: Schema;
    /** Outputs besides the inputs. They are unknown in the preview of a creation. An input `tags` adds `tagsAll`. */
    outputs: string[];
    /** Checks rules between properties. Values may be unknown. */
    check?(inputs: Values, isNew: boolean): CheckFailure[];
    /** Defaults that depend on the resource's name, as a security group's generated name. */
    defaults?(inputs: Values, naming: { name: string; seed: Uint8Array; olds: Values }): Values;
    /** Inputs that the real provider reads back otherwise: its state has these values, and a change is one from them. */
    misreads?(inputs: Values): Values;
    /** Properties that force a replacement only in this change. */
    replaces?(olds: Values, news: Values): string[];
    /** Refuses a change of an existing resource before anything happens, in the preview too. */
    refuses?(olds: Values, news: Values): string | undefined;
    /** Waits before the creation until the cloud allows it. */
    waits?(cloud: () => Promise<Cloud>, inputs: Values, operation: Waiting): Promise<void>;
    /** Adds the resource to the state and returns its id. */
    create(cloud: Cloud, inputs: Values): string;
    /** Changes the resource in place. Absent if only tags can change. */
    update?(change: Change, id: string, news: Values, olds: Values): Promise<void>;
    /** Removes the resource, or refuses while something depends on it. Not called for a resource that is gone. */
    remove(change: Change, id: string, state: Values): Promise<void>;
    /** Calls `remove` for a resource that is gone too, because the provider's first calls fail for it. */
    removesUnseen?: true;
    /** The outputs, and inputs that the cloud keeps, so that a refresh sees drift. Undefined if it is gone. */
    describe(cloud: Cloud, id: string, inputs: Values): Values | undefined;
}

export type Waiting = Pick<OperationRequest, "signal" | "timeoutSeconds" | "log">;

/** A function (data source) of AWS. */
export interface CloudFunction {
    inputs: Schema;
    call(cloud: Cloud, args: Values): Values;
}

/** The state, and the constants of this cloud. */
export interface Cloud {
    state: CloudState;
    lab: Lab;
    region: string;
}

/** One transaction: all of it is applied, or none of it. */
export type Change = <T>(mutate: (cloud: Cloud) => T) => Promise<T>;

/** An error as AWS words it: "api error DependencyViolation: …". */
export class ApiError extends ProviderError {
    readonly code: string;

    constructor(code: string, message: string) {
        super(`api error ${code}: ${message}`);
        this.code = code;
    }
}

/** A new id in AWS's form: "vpc-" and 17 hexadecimal digits. */
export function newId(prefix: string): string {
    return `${prefix}-0${randomBytes(8).toString("hex")}`;
}

/** An id derived from the ids that a link connects, as AWS has no ids for links. */
export function derivedId(prefix: string, ...parts: string[]): string {
    return `${prefix}-0${createHash("sha256").update(parts.join("|")).digest("hex").slice(0, 16)}`;
}

/** The name that Pulumi's provider generates if the program gives none. It stays for the resource's life. */
export function generatedName({ name, seed, olds }: { name: string; seed: Uint8Array; olds: Values }): Value {
    return olds.name ?? `${name}-${Buffer.from(seed).toString("hex").padEnd(7, "0").slice(0, 7)}`;
}

export function arn(cloud: Cloud, kind: string, id: string, service = "ec2"): string {
    return `arn:aws:${service}:${cloud.region}:${ACCOUNT}:${kind}/${id}`;
}

/** The text of an input that `check` has accepted. */
export function text(inputs: Values, name: string): string {
    return asText(inputs[name]);
}

export function optionalText(inputs: Values, name: string): string | undefined {
    const value = inputs[name] ?? undefined;
    return value === undefined ? undefined : asText(value);
}

/** Looks up an object, or throws AWS's error. */
export function find<T>(collection: Record<string, T>, id: string, code: string, kind: string): T {
    const found = collection[id];
    if (!found) throw new ApiError(code, `The ${kind} ID '${id}' does not exist`);
    return found;
}
