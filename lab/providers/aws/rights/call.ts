import type { Value, Values } from "../../property-values.ts";
import { asText, isMap } from "../../property-values.ts";

/**
 * One call of AWS's API, as "ec2:AttachVolume volume=volumeId instance=instanceId": its action, and the kinds of
 * resources that IAM is asked about, each with the property that names them. In place of a property stand `self` for the
 * resource itself, `new` for what the call makes, with the tags of the request, `untagged` for what has none yet, and
 * `any` for what the provider finds by itself; IAM is told no tags of what `~` stands before. Besides: `if` names a property without which there is no call, `unless` one with which there is none, `to` the
 * service that a role is passed to, `policy` the policy that is attached, `tags` those that are sent in place of the
 * resource's, `tagged` those that the thing has.
 */
export type CallText = string;

/** The calls for a resource type; of an update those for each property that can change in place. Reads follow on all others. */
export interface Calls {
    read: readonly CallText[];
    create: readonly CallText[];
    update: Readonly<Record<string, readonly CallText[]>>;
    delete: readonly CallText[];
}

export type CallTable = Readonly<Record<string, Calls>>;

export interface Call {
    action: string;
    /** What each kind is named by, in order. */
    resources: [kind: string, by: string][];
    options: Partial<Record<"if" | "unless" | "to" | "policy" | "tags" | "tagged", string>>;
}

const OPTIONS = ["if", "unless", "to", "policy", "tags", "tagged"];

export function parseCall(text: CallText): Call {
    const [action = "", ...words] = text.split(" ");
    const pairs = words.map((word) => word.split("=") as [string, string]);
    // The policies of the Data Lifecycle Manager are resources; those of IAM are not what is asked about.
    const isOption = (name: string) => OPTIONS.includes(name) && !(name === "policy" && action.startsWith("dlm:"));
    return {
        action,
        resources: pairs.filter(([name]) => !isOption(name)),
        options: Object.fromEntries(pairs.filter(([name]) => isOption(name))),
    };
}

/** Whether there is the call at all, as the properties are. */
export function isMade({ options }: Call, values: Values): boolean {
    const holds = (path: string) => Boolean(at(values, path));
    return (options.if === undefined || holds(options.if)) && !(options.unless !== undefined && holds(options.unless));
}

/** The calls for another set of tags. */
export function tagging(kind: string): CallText[] {
    return [`ec2:CreateTags ${kind}=self`, `ec2:DeleteTags ${kind}=self`];
}

/** The value at "a.b". */
export function at(values: Values, path: string): Value | undefined {
    return path.split(".").reduce<Value | undefined>((value, name) => (isMap(value) ? value[name] : undefined), values);
}

/** Ids of resources; a list names several. */
export function idsAt(values: Values, path: string): string[] {
    return [at(values, path) ?? []]
        .flat()
        .map(asText)
        .filter((id) => id !== "");
}
