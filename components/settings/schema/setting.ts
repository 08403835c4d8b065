import type { z } from "zod";

/** What `pulumi up` does to a running stack when a setting changes, smallest effect first. docs/settings.md explains each. */
export const EFFECTS = [
    "AWS resources change",
    "firewall rules change",
    "DNS records change",
    "new certificate",
    "nginx reloads",
    "LinkMesh restarts",
    "new machine",
    "new addresses",
] as const;

export type Effect = (typeof EFFECTS)[number];

/** One setting: its type in the stack configuration, what it is, its default and its validation. */
export interface Setting<T extends z.ZodType = z.ZodType> {
    /** The type in the stack configuration, as Pulumi.yaml's `config` schema names it. */
    readonly type: "string" | "integer" | "boolean" | "array" | "object";
    /** For `pulumi config` and docs/settings.md. Costs are for us-east-1. */
    readonly description: string;
    /** Absent for a required setting. The empty string, list or object means "not set". */
    readonly default?: string | number | boolean | readonly string[] | Readonly<Record<string, never>>;
    readonly example: string;
    /** What `pulumi up` does when the value changes; empty if a user notices nothing. A test compares it with the program. */
    readonly change: readonly Effect[];
    /** A condition for that, or when the value counts. */
    readonly changeNote?: string;
    /** The value is kept as a secret: a `Secret`, never shown in previews, logs, errors or outputs. */
    readonly secret?: true;
    /** Whether a value contains credentials. If it does, or if it is set with --secret, it is a `Secret`; otherwise plain. */
    readonly holdsCredentials?: (value: string) => boolean;
    /** An older name of the setting, for the error message about it. */
    readonly formerName?: string;
    readonly schema: T;
}

export const setting = <S extends Setting>(s: S) => s;
