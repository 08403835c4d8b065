import { structuredPatch } from "diff";
import { stringify } from "yaml";
import { readParts } from "../components/host/render/step.ts";
import type { Change, Inputs } from "./changes.ts";

/** Lines of one file or resource that differ, in the form of a unified diff. */
export interface Diff {
    /** Name of the file; undefined for a step's variables and a resource's properties. */
    readonly file?: string;
    readonly lines: readonly string[];
}

/** More lines of one file are no change to read line by line. */
const MOST_LINES = 120;

/** Stands for a value that the preview does not know, in the engine's JSON. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SECRET = "[secret]";

/** Programs among a step's files. They change with this project's version, and are not configuration. */
const PROGRAM = /\.(sh|py)$/;

/** The variables and files of a step that differ. Pure. */
export function stepDiffs({ old, now }: Change): Diff[] {
    const [before, after] = [textOf(old), textOf(now)];
    if (before === undefined || after === undefined) return [];
    const [olds, news] = [new Map(readParts(before)), readParts(after)];
    hideHashes(olds, news);
    const names = [...new Set([...news.keys(), ...olds.keys()])].filter((name) => olds.get(name) !== news.get(name));
    const named = (kind: string) =>
        names.filter((name) => name.startsWith(`${kind} `)).map((name) => name.slice(kind.length + 1));
    const variables = named("variable").flatMap((name) => {
        const line = (sign: string, value: string | undefined) =>
            value === undefined ? [] : `${name}=${value}`.split("\n").map((one) => sign + one);
        return [...line("-", olds.get(`variable ${name}`)), ...line("+", news.get(`variable ${name}`))];
    });
    const files = named("file")
        .filter((file) => !PROGRAM.test(file))
        .map((file) => diff(olds.get(`file ${file}`) ?? "", news.get(`file ${file}`) ?? "", file));
    return [...(variables.length > 0 ? [limited({ lines: variables })] : []), ...files];
}

/** The parts of a secret step that differ, by the fingerprints in its command. Pure. */
export function secretParts({ old, now }: Change): string[] {
    const [olds, news] = [fingerprintsIn(old), fingerprintsIn(now)];
    return [...new Set([...news.keys(), ...olds.keys()])].filter((name) => olds.get(name) !== news.get(name));
}

/** The variables and files of a step that differ, by name. Pure. */
export function changedParts(change: Change): string[] {
    const [before, after] = [textOf(change.old), textOf(change.now)];
    if (before === undefined || after === undefined) return secretParts(change);
    const [olds, news] = [readParts(before), readParts(after)];
    return [...new Set([...news.keys(), ...olds.keys()])]
        .filter((name) => olds.get(name) !== news.get(name))
        .map((name) => name.replace(/^\w+ /, ""));
}

/**
 * The properties of a resource that differ, and of its tags only those that do. Pure.
 * @param withTags false if its tags are told elsewhere
 */
export function propertyDiff({ old, now }: Edit, withTags = true): Diff {
    const tagLines = tagDiff({ old, now }).lines.join("\n");
    /** Whether the tags of a part change as those of the resource do, such as those of a machine's disk. */
    const alike = (name: string) => {
        const [before, after] = [old[name], now[name]];
        return isMap(before) && isMap(after) && tagDiff({ old: before, now: after }).lines.join("\n") === tagLines;
    };
    const told = (inputs: Inputs): Inputs => {
        const tags = tagsOf(inputs);
        const others = Object.entries(withoutTags(inputs)).map(([name, value]) => [
            name,
            !withTags && isMap(value) && alike(name) ? withoutTags(value) : value,
        ]);
        const own = Object.fromEntries(others) as Inputs;
        return withTags && Object.keys(tags).length > 0 ? { ...own, tags } : own;
    };
    return valueDiff(told(old), told(now));
}

/** The tags of a resource that differ. Pure. */
export function tagDiff({ old, now }: Edit): Diff {
    return valueDiff(tagsOf(old), tagsOf(now));
}

type Edit = Pick<Change, "old" | "now">;

/** AWS's provider has the tags a second time, with its default tags. */
const TAGS = ["tags", "tagsAll"];

/** Those that are known. */
function tagsOf(inputs: Inputs): Inputs {
    return Object.assign({}, ...TAGS.map((name) => inputs[name]).filter(isMap)) as Inputs;
}

function withoutTags(inputs: Inputs): Inputs {
    return Object.fromEntries(Object.entries(inputs).filter(([name, value]) => !(TAGS.includes(name) && isMap(value))));
}

function isMap(value: unknown): value is Inputs {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueDiff(before: Inputs, after: Inputs): Diff {
    const [old, now] = [shown(before, after), shown(after, before)].map((inputs) =>
        Object.keys(inputs).length === 0
            ? ""
            : stringify(inputs, { lineWidth: 0 }).replaceAll(UNKNOWN, "(known after the update)"),
    );
    return diff(old!, now!);
}

/** Those that differ. Other tags would only stand around the one that does. */
function shown(inputs: Inputs, others: Inputs): Inputs {
    const different = Object.entries(inputs).filter(([name, value]) => differs(name, value, others[name]));
    return Object.fromEntries(
        different.flatMap(([name, value]) => {
            const other = others[name];
            if (name !== "tags" || !isMap(value) || !isMap(other)) return [[name, value]];
            const inner = shown(value, other);
            return Object.keys(inner).length === 0 ? [] : [[name, inner]];
        }),
    );
}

function differs(name: string, value: unknown, other: unknown): boolean {
    return !name.startsWith("__") && JSON.stringify(value) !== JSON.stringify(other);
}

function textOf({ stdin }: Inputs): string | undefined {
    return typeof stdin === "string" && stdin !== SECRET && stdin !== UNKNOWN ? stdin : undefined;
}

/** As components/host/render/fingerprints.ts writes them. */
function fingerprintsIn({ create }: Inputs): Map<string, string> {
    const text = typeof create === "string" ? create : "";
    return new Map(
        [...text.matchAll(/^ {2}([^\s=]+)=([0-9a-f]{12})(?: \\)?$/gm)].map(([, name, print]) => [name!, print!]),
    );
}

/** A variable that is a hash of what the step is given. It differs whenever something else does, also inside files. */
const HASH = /^'[0-9a-f]{12}'$/;

function hideHashes(olds: Map<string, string>, news: ReadonlyMap<string, string>): void {
    for (const [variable, was] of [...olds]) {
        const is = news.get(variable);
        if (is === undefined || was === is || !HASH.test(was) || !HASH.test(is)) continue;
        for (const [name, value] of olds) olds.set(name, value.replaceAll(was.slice(1, -1), is.slice(1, -1)));
    }
}

function diff(before: string, after: string, file?: string): Diff {
    const { hunks } = structuredPatch("", "", before, after, undefined, undefined, { context: 3 });
    const several = hunks.length > 1;
    const lines = hunks.flatMap((hunk) => [
        ...(several ? [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`] : []),
        ...hunk.lines,
    ]);
    return limited({ file, lines });
}

function limited({ file, lines }: Diff): Diff {
    if (lines.length <= MOST_LINES) return { file, lines };
    return { file, lines: [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines`] };
}
