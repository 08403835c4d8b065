import { createHash, randomBytes } from "node:crypto";
import type { CloudState } from "../../cloud/state.ts";
import type { Lab } from "../../lab.ts";
import { type CheckFailure, ProviderError } from "../provider.ts";
import { type Value, type Values, asText } from "../property-values.ts";
import type { Schema } from "./schema.ts";

/** One resource type of AWS: what it takes, what it returns, and what it does to the cloud. */
export interface ResourceType {
    /** As the real provider's messages call it: "EC2 VPC". */
    label: string;
    inputs: Schema;
    /** Outputs besides the inputs. Unknown in the preview of a creation. `tagsAll` follows from an input `tags`. */
    outputs: string[];
    /** Rules between properties. Values may be unknown. */
    check?(inputs: Values, isNew: boolean): CheckFailure[];
    /** Fills in what depends on the resource's name, as a security group's generated name. */
    defaults?(inputs: Values, naming: { name: string; seed: Uint8Array; olds: Values }): Values;
    /** Properties that force a replacement in this change only. */
    replaces?(olds: Values, news: Values): string[];
    /** Refuses a change of a living resource before anything happens, in the preview too. */
    refuses?(olds: Values, news: Values): string | undefined;
    /** Adds it to the state and returns its id. */
    create(cloud: Cloud, inputs: Values): string;
    /** Changes it in place. Absent when nothing but tags can change. */
    update?(change: Change, id: string, news: Values, olds: Values): Promise<void>;
    /** Removes it as a careful API does: refuses while something depends on it. What is gone is not asked to go. */
    remove(change: Change, id: string, state: Values): Promise<void>;
    /** The provider begins with calls that fail for what is gone: `remove` runs in any case, and makes them. */
    removesUnseen?: true;
    /** The outputs; also those inputs that the cloud holds itself, so that a refresh sees their drift. Undefined: gone. */
    describe(cloud: Cloud, id: string, inputs: Values): Values | undefined;
}

/** A function (data source) of AWS. */
export interface CloudFunction {
    inputs: Schema;
    call(cloud: Cloud, args: Values): Values;
}

/** The state, and what is fixed about this cloud. */
export interface Cloud {
    state: CloudState;
    lab: Lab;
    region: string;
}

/** One transaction: all of it is applied, or nothing of it has happened. */
export type Change = <T>(mutate: (cloud: Cloud) => T) => Promise<T>;

export const ACCOUNT = "000000000000";

/** A refusal as AWS words it: "api error DependencyViolation: …". */
export class ApiError extends ProviderError {
    readonly code: string;

    constructor(code: string, message: string) {
        super(`api error ${code}: ${message}`);
        this.code = code;
    }
}

/** A new id as AWS makes them: "vpc-" and 17 hexadecimal digits. */
export function newId(prefix: string): string {
    return `${prefix}-0${randomBytes(8).toString("hex")}`;
}

/** An id that follows from what it stands for; used for links, which AWS does not number either. */
export function derivedId(prefix: string, ...parts: string[]): string {
    return `${prefix}-0${createHash("sha256").update(parts.join("|")).digest("hex").slice(0, 16)}`;
}

/** The name of a resource that was given none, as Pulumi's provider makes it: it stays for the resource's life. */
export function generatedName({ name, seed, olds }: { name: string; seed: Uint8Array; olds: Values }): Value {
    return olds.name ?? `${name}-${Buffer.from(seed).toString("hex").padEnd(7, "0").slice(0, 7)}`;
}

export function arn(cloud: Cloud, kind: string, id: string, service = "ec2"): string {
    return `arn:aws:${service}:${cloud.region}:${ACCOUNT}:${kind}/${id}`;
}

/** Text of an input that check has accepted. */
export function text(inputs: Values, name: string): string {
    return asText(inputs[name]);
}

export function optionalText(inputs: Values, name: string): string | undefined {
    const value = inputs[name] ?? undefined;
    return value === undefined ? undefined : asText(value);
}

/** Looks an object up or refuses as AWS does. */
export function find<T>(collection: Record<string, T>, id: string, code: string, kind: string): T {
    const found = collection[id];
    if (!found) throw new ApiError(code, `The ${kind} ID '${id}' does not exist`);
    return found;
}
