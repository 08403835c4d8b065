import { type Change, KINDS, changesOf, shortType } from "./changes.ts";
import { type Diff, changedParts, propertyDiff, secretParts, stepDiffs, tagDiff } from "./diffs.ts";
import { notesOn } from "./effects.ts";
import { lossesIn } from "./losses.ts";
import { code, fence } from "./markdown.ts";
import { byName, placeOf, proxiesIn } from "./places.ts";
import type { Diagnostic, Preview } from "./preview.ts";

/** GitHub takes 65,536 characters, and a job of GitHub Actions hands on an output as an environment variable. */
const MOST_BYTES = 60_000;

/** More names than this are folded. */
const SHORT_LIST = 8;

/** The pull request comment about a preview. Pure. */
export function commentOn(preview: Preview, stack?: string): string {
    const changes = changesOf(preview);
    const failed = preview.diagnostics.some(({ severity }) => severity === "error");
    const title = failed ? "the preview failed" : summary(changes);
    return assemble(heading(title, stack), [
        ...messages("Errors", preview.diagnostics, "error"),
        ...alarm(changes),
        ...notes(changes),
        ...messages("Warnings", preview.diagnostics, "warning"),
        ...stepSections(changes, preview.diagnostics),
        ...resourceSections(changes),
    ]);
}

/** The comment if there is nothing to read: it takes the place of the one about an earlier commit. Pure. */
export function failureComment(sentence: string, stack?: string): string {
    return assemble(heading("the preview failed", stack), [fence("text", [sentence])]);
}

/** The first line is not shown. By it the next comment finds the one that it replaces. */
function heading(title: string, stack: string | undefined): string {
    const marker = `<!-- linkmesh-proxy preview${stack === undefined ? "" : ` of ${stack}`} -->`;
    return `${marker}\n### Preview${stack === undefined ? "" : ` of ${code(stack)}`}: ${title}`;
}

function summary(changes: readonly Change[]): string {
    const counts = KINDS.flatMap((kind) => {
        const count = changes.filter((change) => change.kind === kind).length;
        return count === 0 ? [] : [`${count} ${kind}`];
    });
    return counts.length === 0 ? "no changes" : counts.join(", ");
}

function alarm(changes: readonly Change[]): string[] {
    const losses = lossesIn(changes).map(({ sentence, lost }) => `**${sentence}** (${lost.map(named).join("; ")})`);
    return losses.length === 0 ? [] : [["> [!CAUTION]", ...losses.map((loss) => `> - ${loss}`)].join("\n")];
}

function named({ name, because }: Change): string {
    return because.length === 0 ? code(name) : `${code(name)}, because of ${because.map(code).join(", ")}`;
}

function notes(changes: readonly Change[]): string[] {
    const found = notesOn(changes);
    const lines = found.map(
        ({ note, proxies }) => `- ${note}${proxies.length > 0 ? ` (${proxies.map(code).join(", ")})` : ""}`,
    );
    return lines.length === 0 ? [] : [lines.join("\n")];
}

function messages(title: string, diagnostics: readonly Diagnostic[], wanted: string): string[] {
    const texts = diagnostics.filter(({ severity }) => severity === wanted).map(({ message }) => withoutStack(message));
    return texts.length === 0 ? [] : [`#### ${title}\n\n${fence("text", [...new Set(texts)])}`];
}

/** A message's prefix repeats its severity. */
function withoutStack(message: string): string {
    const lines = message.trim().split("\n");
    return lines
        .filter((line) => !/^\s*at .*(file:|node:|\.[jt]s)/.test(line))
        .join("\n")
        .replace(/^(error|warning): /, "");
}

/** A step, or one that changes alike on several nodes. */
interface Told {
    readonly change: Change;
    readonly nodes: readonly string[];
    readonly diffs: readonly Diff[];
    readonly secrets: readonly string[];
}

function stepSections(changes: readonly Change[], diagnostics: readonly Diagnostic[]): string[] {
    const steps = changes.filter(({ step, kind }) => step !== undefined && (kind === "updated" || kind === "replaced"));
    if (steps.length === 0) return [];
    const shown = alike(steps, stepKey).map(stepOf);
    const told = shown.filter(({ diffs, secrets }) => diffs.length > 0 || secrets.length > 0);
    const others = shown.filter((one) => !told.includes(one));
    const several = proxiesIn(steps).length > 1;
    const all = diagnostics.flatMap(({ message }) => /(the .*): all steps run\s*$/.exec(message)?.[1] ?? []);
    return [
        `#### On the ${machinesOf(shown)}`,
        ...[...new Set(all)].map((reason) => `All steps run: ${reason}.`),
        ...told.flatMap((one) => [stepTitle(one, several), ...one.diffs.map(diffBlock)]),
        ...(others.length > 0 && all.length === 0
            ? [
                  `Without a change of configuration: ${others.map((one) => `step ${stepName(one, several)} (${why(one.change)})`).join(", ")}.`,
              ]
            : []),
    ];
}

function machinesOf(shown: readonly Told[]): string {
    const ofNodes = shown.filter(({ nodes }) => nodes.length > 0);
    if (ofNodes.length === 0) return "machine";
    return ofNodes.length === shown.length ? "nodes" : "machines";
}

function stepKey(change: Change): unknown {
    return [placeOf(change)?.proxy, change.step, stepDiffs(change), changedParts(change)];
}

function stepOf(changes: readonly [Change, ...Change[]]): Told {
    const [change] = changes;
    const nodes = changes.flatMap((one) => placeOf(one)?.node ?? []);
    return { change, nodes, diffs: stepDiffs(change), secrets: secretParts(change) };
}

function stepName({ change, nodes }: Told, several: boolean): string {
    const on = nodes.length > SHORT_LIST ? `${nodes.length} nodes` : nodes.map(code).join(", ");
    const of = several ? ` of ${code(placeOf(change)!.proxy)}` : "";
    return `${code(change.step!)}${on === "" ? "" : ` on ${on}`}${of}`;
}

function stepTitle(told: Told, several: boolean): string {
    const { change, secrets } = told;
    const title = `**Step ${stepName(told, several)}**`;
    if (secrets.length > 0) return `${title}: its text is secret. What changes: ${secrets.map(code).join(", ")}`;
    return changedParts(change).includes("script") ? `${title}, with another version of its script` : title;
}

/** Those of which the key is the same, together. */
function alike(changes: readonly Change[], keyOf: (change: Change) => unknown): [Change, ...Change[]][] {
    const groups = new Map<string, [Change, ...Change[]]>();
    for (const change of changes) {
        const key = JSON.stringify(keyOf(change));
        const group = groups.get(key);
        if (group) group.push(change);
        else groups.set(key, [change]);
    }
    for (const group of groups.values()) group.sort(byName);
    return [...groups.values()];
}

function why(change: Change): string {
    const parts = changedParts(change);
    if (parts.length === 0) return "its command or connection";
    return parts.map(code).join(", ");
}

function diffBlock({ file, lines }: Diff): string {
    return `${file === undefined ? "" : `${code(file)}\n`}${fence("diff", lines)}`;
}

function resourceSections(changes: readonly Change[]): string[] {
    const others = changes.filter(({ step }) => step === undefined);
    const edited = others.filter(({ kind }) => kind === "updated" || kind === "replaced");
    const shared = sharedTags(edited);
    const told = new Set(shared.flatMap(({ resources }) => resources));
    const diffOf = (change: Change) => propertyDiff(change, !told.has(change));
    const sections = [
        ...shared.map(tagSection),
        ...alike(edited, (change) => {
            // What nodes have alike is told once.
            const own = placeOf(change)?.node === undefined ? change.name : undefined;
            return [own, change.type, change.kind, told.has(change), diffOf(change)];
        }).flatMap((group) => {
            const [change] = group;
            const diff = diffOf(change);
            if (told.has(change) && change.kind === "updated" && diff.lines.length === 0) return [];
            const names = group.map(({ name }) => code(name)).join(", ");
            const title = `${names} (${shortType(change.type)}) ${group.length > 1 ? "are" : "is"} ${change.kind}`;
            return diff.lines.length === 0 ? `${title}.` : `${title}:\n${diffBlock(diff)}`;
        }),
        ...(["deleted", "created", "imported"] as const).flatMap((kind) => {
            // The steps of a new machine are named with the rest of it.
            const names = changes
                .filter((change) => change.kind === kind)
                .map(({ name, type }) => `${code(name)} (${shortType(type)})`);
            return names.length === 0 ? [] : [list(`${names.length} ${kind}`, names)];
        }),
    ];
    return sections.length === 0 ? [] : ["#### Resources", ...sections];
}

/** Tags that change in several resources alike. */
interface SharedTags {
    readonly diff: Diff;
    readonly resources: readonly Change[];
}

function sharedTags(edited: readonly Change[]): SharedTags[] {
    const groups = new Map<string, { diff: Diff; resources: Change[] }>();
    for (const change of edited) {
        const diff = tagDiff(change);
        const key = diff.lines.join("\n");
        const group = groups.get(key) ?? { diff, resources: [] };
        group.resources.push(change);
        if (key !== "") groups.set(key, group);
    }
    return [...groups.values()].filter(({ resources }) => resources.length > 1);
}

function tagSection({ diff, resources }: SharedTags): string {
    const names = resources.map(({ name, type }) => `${code(name)} (${shortType(type)})`);
    return `Tags of ${names.length} resources change:\n${diffBlock(diff)}\n\n${list(`The ${names.length} resources`, names)}`;
}

function list(title: string, items: readonly string[]): string {
    const lines = items.map((item) => `- ${item}`).join("\n");
    if (items.length <= SHORT_LIST) return `${title}:\n${lines}`;
    return `<details><summary>${title}</summary>\n\n${lines}\n\n</details>`;
}

function assemble(head: string, sections: readonly string[]): string {
    const kept = [head];
    let bytes = Buffer.byteLength(head);
    for (const [index, section] of sections.entries()) {
        bytes += Buffer.byteLength(section) + 2;
        if (bytes > MOST_BYTES) {
            kept.push(
                `**Cut here: ${sections.length - index} more parts do not fit into a comment.** \`pulumi preview --diff\` shows them.`,
            );
            break;
        }
        kept.push(section);
    }
    return `${kept.join("\n\n")}\n`;
}
