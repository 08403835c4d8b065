import type { Value, Values } from "../../property-values.ts";
import { asText, isMap } from "../../property-values.ts";

/**
 * One call of AWS's API, as "ec2:AttachVolume volume=volumeId instance=instanceId": the action, and the kinds of
 * resources that IAM checks, each with the property that holds their ids. Instead of a property:
 * - `self`: the resource itself
 * - `new`: the object that the call makes, with the tags of the request; `name` if its id is its name
 * - `untagged`: an object that has no tags yet
 * - `any`: an object that the provider finds by itself
 * - `~PROPERTY`: IAM sees no tags of these objects
 *
 * Options:
 * - `if`: without this property there is no call
 * - `unless`: with this property there is no call
 * - `to`: the service that a role is passed to
 * - `policy`: the policy that is attached
 * - `tags`: the property with the tags of the request, in place of the resource's tags
 * - `tagged`: the property with the tags of an `untagged` or `any` object
 */
export type CallText = string;

/** The calls for a resource type. `update` has those of each property that can change in place. `read` follows each. */
export interface Calls {
    read: readonly CallText[];
    create: readonly CallText[];
    update: Readonly<Record<string, readonly CallText[]>>;
    delete: readonly CallText[];
}

export type CallTable = Readonly<Record<string, Calls>>;

export interface Call {
    action: string;
    /** The kinds of resources, each with the property that holds their ids. */
    resources: [kind: string, by: string][];
    options: Partial<Record<"if" | "unless" | "to" | "policy" | "tags" | "tagged", string>>;
}

const OPTIONS = ["if", "unless", "to", "policy", "tags", "tagged"];

export function parseCall(text: CallText): Call {
    const [action = "", ...words] = text.split(" ");
    const pairs = words.map((word) => word.split("=") as [string, string]);
    // `policy` is a resource in the Data Lifecycle Manager's calls and an option in IAM's calls.
    const isOption = (name: string) => OPTIONS.includes(name) && !(name === "policy" && action.startsWith("dlm:"));
    return {
        action,
        resources: pairs.filter(([name]) => !isOption(name)),
        options: Object.fromEntries(pairs.filter(([name]) => isOption(name))),
    };
}

/** Whether the provider makes the call with these properties. */
export function isMade({ options }: Call, values: Values): boolean {
    const holds = (path: string) => Boolean(at(values, path));
    return (options.if === undefined || holds(options.if)) && !(options.unless !== undefined && holds(options.unless));
}

/** The calls that change tags. */
export function tagging(kind: string): CallText[] {
    return [`ec2:CreateTags ${kind}=self`, `ec2:DeleteTags ${kind}=self`];
}

/** The value at a path, as "a.b". */
export function at(values: Values, path: string): Value | undefined {
    return path.split(".").reduce<Value | undefined>((value, name) => (isMap(value) ? value[name] : undefined), values);
}

/** The ids at a path: one, or a list. */
export function idsAt(values: Values, path: string): string[] {
    return [at(values, path) ?? []]
        .flat()
        .map(asText)
        .filter((id) => id !== "");
}
