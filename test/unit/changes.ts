import { isDeepStrictEqual } from "node:util";
import { readParts } from "../../components/host/render/step.ts";
import { EFFECTS, type Effect } from "../../components/settings/schema/setting.ts";
import { diffSchema } from "../../lab/providers/aws/schema.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";
import { isMap, type Values } from "../../lab/providers/property-values.ts";
import { STEP_EFFECTS } from "../../preview/step-effects.ts";
import { reveal, runProgram, type Registered } from "./program.ts";

/** What a change of a resource means to a user. Other resources change only in AWS. */
const UPDATE_EFFECTS: Readonly<Record<string, Effect>> = {
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "firewall rules change",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "firewall rules change",
    "aws:route53/record:Record": "DNS records change",
};

/** The same for its creation, replacement or removal. */
const REPLACEMENT_EFFECTS: Readonly<Record<string, Effect>> = {
    ...UPDATE_EFFECTS,
    "aws:ec2/instance:Instance": "new machine",
    "aws:ec2/networkInterface:NetworkInterface": "new addresses",
    "aws:ec2/eip:Eip": "new addresses",
};

/** What goes without saying: a new machine runs every step, and what is new in the network has its own rules and records. */
const INCLUDED: Partial<Record<Effect, readonly Effect[]>> = {
    "new machine": ["LinkMesh restarts", "nginx reloads"],
    "new addresses": ["DNS records change", "firewall rules change"],
};

/**
 * What `pulumi up` does to a stack that works when its configuration changes from one to another. The program runs with
 * both; what replaces what is the provider's and the engine's rule, and a replacement gets another id, upon which others
 * may be replaced in turn.
 */
export async function effectsOf(before: Record<string, string>, after: Record<string, string>): Promise<Effect[]> {
    const olds = await registeredWith(before);
    const renewed = new Set<string>();
    for (;;) {
        const news = await registeredWith(after, [...renewed]);
        const changes = compare(olds, news);
        const more = changes.filter(({ kind, name }) => kind === "replaced" && !renewed.has(name));
        if (more.length === 0) return summary(changes);
        more.forEach(({ name }) => renewed.add(name));
    }
}

const runs = new Map<string, Promise<Registered[]>>();

/** A stack that has its data volume. Most settings are compared with the same one. */
function registeredWith(config: Record<string, string>, renewed: readonly string[] = []) {
    const key = JSON.stringify([config, renewed]);
    const run = async () => (await runProgram(config, { volumeZone: "eu-central-1c", quota: 100, renewed })).registered;
    return runs.get(key) ?? runs.set(key, run()).get(key)!;
}

/** "tagged": only tags differ. */
type Kind = "created" | "deleted" | "replaced" | "updated" | "tagged";

interface Change {
    name: string;
    type: string;
    kind: Kind;
    effects: readonly Effect[];
}

function compare(olds: Registered[], news: Registered[]): Change[] {
    const custom = (all: Registered[]) =>
        new Map(all.filter(({ type }) => !/^(pulumi|linkmesh-proxy):/.test(type)).map((one) => [one.name, one]));
    const [old, now] = [custom(olds), custom(news)];
    return [...new Set([...old.keys(), ...now.keys()])].flatMap((name): Change[] => {
        const [was, is] = [old.get(name), now.get(name)];
        const { type } = (is ?? was)!;
        if (type === "command:remote:Command") return [{ name, type, kind: "updated", effects: stepEffects(was, is) }];
        if (!type.startsWith("aws:")) return [];
        const kind = !was ? "created" : !is ? "deleted" : difference(was, is);
        if (kind === "same") return [];
        const table = kind === "tagged" ? {} : kind === "updated" ? UPDATE_EFFECTS : REPLACEMENT_EFFECTS;
        return [{ name, type, kind, effects: [table[type] ?? "AWS resources change"] }];
    });
}

/** The rules of the engine and the provider. */
function difference(was: Registered, is: Registered): Kind | "same" {
    const resource = RESOURCE_TYPES[was.type]!;
    const [olds, news] = [was.inputs as Values, ignoring(is.ignoreChanges, was.inputs, is.inputs) as Values];
    const { changed, replaces } = diffSchema(resource.inputs, olds, news);
    const forced = [...(resource.replaces?.(olds, news) ?? []), ...is.replaceOnChanges];
    if (replaces.length > 0 || changed.some((name) => forced.includes(name))) return "replaced";
    if (!isDeepStrictEqual(was.replacementTrigger, is.replacementTrigger)) return "replaced";
    // Read only when a record is created.
    const seen = changed.filter((name) => name !== "allowOverwrite");
    if (seen.length === 0) return "same";
    return seen.every((name) => name === "tags") ? "tagged" : "updated";
}

/** The new inputs, with the old values at the paths of ignoreChanges. */
function ignoring(paths: readonly string[], olds: object, news: object): object {
    const result = structuredClone(news) as Values;
    for (const path of paths) {
        const [names, last] = [path.split(".").slice(0, -1), path.split(".").at(-1)!];
        const at = (values: object) =>
            names.reduce<unknown>((inner, name) => (inner as Values | undefined)?.[name], values) as Values | undefined;
        const [from, to] = [at(olds), at(result)];
        if (!isMap(to)) continue;
        if (from?.[last] === undefined) delete to[last];
        else to[last] = from[last];
    }
    return result;
}

function stepEffects(was: Registered | undefined, is: Registered | undefined): Effect[] {
    const inputs = (one: Registered | undefined) => (one ? stepInputs(reveal<string>(one.inputs.stdin)) : {});
    const [olds, news] = [inputs(was), inputs(is)];
    const step = (is ?? was)!.name.replace(/^linkmesh-(node-\d+-)?/, "");
    const known = STEP_EFFECTS[step];
    if (!known) {
        throw new Error(
            `preview/step-effects.ts: STEP_EFFECTS lacks the step ${step}: say what its script does when an input differs, {} if it has none`,
        );
    }
    return Object.keys({ ...olds, ...news }).flatMap((name) => {
        const effects = known[name];
        if (!effects)
            throw new Error(
                `preview/step-effects.ts: STEP_EFFECTS lacks ${name} of the step ${step}: say what its script does when it differs`,
            );
        // Deleting a step changes nothing on the machine.
        return is && olds[name] !== news[name] ? effects : [];
    });
}

/** The variables and files in a step's text. */
function stepInputs(text: string): Record<string, string> {
    return Object.fromEntries(
        [...readParts(text)]
            .filter(([part]) => part !== "script")
            .map(([part, value]) => [part.replace(/^(variable|file) /, ""), value]),
    );
}

/** All effects once and in their order, without those that another includes. None when nothing changes. */
function summary(changes: readonly Change[]): Effect[] {
    const lost = changes.find(
        ({ type, kind }) => type === "aws:ebs/volume:Volume" && !["updated", "tagged"].includes(kind),
    );
    if (lost) throw new Error(`${lost.name} is ${lost.kind}: no setting may do that to the data`);
    const found = new Set(changes.flatMap(({ effects }) => effects));
    for (const effect of [...found]) INCLUDED[effect]?.forEach((included) => found.delete(included));
    // Tags and the like, besides a change that a user sees.
    if (found.size > 1) found.delete("AWS resources change");
    return EFFECTS.filter((effect) => found.has(effect));
}
