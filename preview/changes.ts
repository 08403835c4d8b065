import type { Preview, PreviewStep } from "./preview.ts";

export type Inputs = Readonly<Record<string, unknown>>;

/** What happens to a resource, the gravest first. */
export const KINDS = ["replaced", "deleted", "updated", "created", "imported"] as const;
export type Kind = (typeof KINDS)[number];

/** A resource that the update changes. */
export interface Change {
    readonly name: string;
    readonly type: string;
    readonly kind: Kind;
    /** Name of the step on the machine, if the resource is one. */
    readonly step?: string;
    readonly old: Inputs;
    readonly now: Inputs;
    /** The properties that force a replacement. */
    readonly because: readonly string[];
}

/** The engine's operations. Those that it does not list change nothing. */
const KIND_OF: ReadonlyMap<string, Kind> = new Map([
    ["replace", "replaced"],
    ["create-replacement", "replaced"],
    ["delete-replaced", "replaced"],
    ["import-replacement", "replaced"],
    ["read-replacement", "replaced"],
    ["delete", "deleted"],
    ["update", "updated"],
    ["create", "created"],
    ["import", "imported"],
]);

/** The changes by resource, without components. Pure. */
export function changesOf({ steps }: Preview): Change[] {
    const changes = new Map<string, Change>();
    for (const step of steps) {
        const change = changeOf(step);
        // The steps of a replacement have one URN.
        if (change && !changes.has(step.urn)) changes.set(step.urn, change);
    }
    return [...changes.values()];
}

function changeOf({ op, urn, oldState, newState, replaceReasons }: PreviewStep): Change | undefined {
    const kind = KIND_OF.get(op);
    if (!kind || !(newState ?? oldState)?.custom) return undefined;
    const [, , types = "", ...name] = urn.split("::");
    const type = types.split("$").at(-1)!;
    if (type.startsWith("pulumi:providers:")) return undefined;
    const [old, now] = [oldState?.inputs ?? {}, newState?.inputs ?? {}];
    return {
        name: name.join("::"),
        type,
        kind,
        step: stepName(type, now.create ?? old.create),
        old,
        now,
        because: replaceReasons,
    };
}

/** As components/host/ssh-host.ts writes the command of a step. */
function stepName(type: string, command: unknown): string | undefined {
    if (type !== "command:remote:Command" || typeof command !== "string") return undefined;
    return /^sudo timeout .* bash -s -- ([\w-]+)/.exec(command)?.[1];
}

/** "aws:ec2/instance:Instance" → "Instance". */
export const shortType = (type: string) => type.split(":").at(-1)!;
