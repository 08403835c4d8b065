import { readFileSync } from "node:fs";
import { PORT_CONSTANTS } from "./ports.ts";

/** A function or a constant of the library; without a name what every step begins with. */
interface Definition {
    readonly name: string | undefined;
    readonly text: string;
}

/**
 * A script after the functions and constants that it uses, directly or through others, all without comments: neither a
 * comment nor a function of other steps is a reason to run a step again. Pure.
 */
export function withFunctions(script: string): string {
    const own = withoutComments(script);
    const used = new Set<Definition>(LIBRARY.filter(({ name }) => name === undefined || name === "start"));
    // What is added may use more.
    for (let size = -1; size !== used.size;) {
        size = used.size;
        const words = new Set([own, ...[...used].map(({ text }) => text)].join("\n").match(/\w+/g));
        for (const definition of LIBRARY) if (words.has(definition.name!)) used.add(definition);
    }
    const library = LIBRARY.filter((definition) => used.has(definition)).map(({ text }) => text);
    return [...library, own].join("\n");
}

/** The script of a step, or another file of `scripts/` by its name without ".sh". */
export function readScript(name: string): string {
    return readFile(`${name}.sh`);
}

/** A file beside the scripts. */
export function readFile(name: string): string {
    return readFileSync(new URL(`../scripts/${name}`, import.meta.url), "utf8");
}

/** What a here-document holds is text, whatever it looks like. */
function withoutComments(script: string): string {
    let end: string | undefined;
    const kept: string[] = [];
    for (const line of script.split("\n")) {
        if (end !== undefined) {
            kept.push(line);
            if (line === end) end = undefined;
            continue;
        }
        const comment = [...line.matchAll(/(^|\s+)#/g)].find(({ index }) => WHOLE.test(line.slice(0, index)));
        const code = line.slice(0, comment?.index);
        if (code !== "") kept.push(code);
        end = /<<'?(\w+)'?$/.exec(code)?.[1];
    }
    return kept.join("\n");
}

/** Code in which no quotation is open. */
const WHOLE = /^(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*$/;

/** Functions begin and end at the start of a line; constants are a line each. */
function definitions(script: string): Definition[] {
    const found: { name: string | undefined; lines: string[] }[] = [];
    let open = false;
    for (const line of withoutComments(script).split("\n")) {
        const name = /^(\w+)(\(\) \{$|=)/.exec(line)?.[1];
        if (open || (name === undefined && found.length > 0 && found.at(-1)!.name === undefined))
            found.at(-1)!.lines.push(line);
        else found.push({ name, lines: [line] });
        open = open ? line !== "}" : line.endsWith("() {");
    }
    return found.map(({ name, lines }) => ({ name, text: lines.join("\n") }));
}

/** The files of `scripts/functions`, in the order in which a step's text has what it uses of them: base comes first. */
export const FUNCTION_FILES = ["base", "packages", "linkmesh", "nginx", "certbot"] as const;

const [BASE, ...REST] = FUNCTION_FILES.map((name) => definitions(readScript(`functions/${name}`)));
const LIBRARY = [...BASE!, ...definitions(PORT_CONSTANTS), ...REST.flat()];
