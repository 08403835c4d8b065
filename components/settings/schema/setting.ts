import type { z } from "zod";

/** One setting: its type in the stack configuration, what it is, its default and its validation. */
export interface Setting<T extends z.ZodType = z.ZodType> {
    /** The type in the stack configuration, as Pulumi.yaml's `config` schema names it. */
    readonly type: "string" | "integer" | "boolean" | "array" | "object";
    /** One or two sentences for `pulumi config` and the README. Costs are a month, in us-east-1. */
    readonly description: string;
    /** Absent for a required setting. The empty string, list or object means "not set". */
    readonly default?: string | number | boolean | readonly string[] | Readonly<Record<string, never>>;
    readonly example: string;
    /** The value is kept as a secret: a `Secret`, never shown in previews, logs, errors or outputs. */
    readonly secret?: true;
    /** Whether a value holds credentials. Then, and whenever it is set with --secret, it is a `Secret`; otherwise plain. */
    readonly holdsCredentials?: (value: string) => boolean;
    /** The setting's name before, for whoever still has it. */
    readonly formerName?: string;
    readonly schema: T;
}

export const setting = <S extends Setting>(s: S) => s;
