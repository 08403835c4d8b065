import { readFileSync } from "node:fs";
import { PORT_CONSTANTS } from "./ports.ts";

/** A function or a constant of the library. Without a name, it is code that every step begins with. */
interface Definition {
    readonly name: string | undefined;
    readonly text: string;
    /** Of the text, each of which may be the name of another definition. */
    readonly words: ReadonlySet<string>;
}

/**
 * The script, preceded by the functions and constants that it uses, directly or through others. Comments are removed. This
 * way, a changed comment or a function of other steps does not run a step again. Pure.
 * @param entry whether it is a step, which has what every step begins and ends with
 */
export function withFunctions(script: string, { entry = true } = {}): string {
    const own = withoutComments(script);
    const used = new Set<Definition>(entry ? LIBRARY.filter(({ name }) => name === undefined || name === "start") : []);
    const users = [wordsOf(own), ...[...used].map(({ words }) => words)];
    for (const words of users) {
        for (const definition of LIBRARY) {
            if (used.has(definition) || !words.has(definition.name!)) continue;
            used.add(definition);
            // It may use others.
            users.push(definition.words);
        }
    }
    const library = LIBRARY.filter((definition) => used.has(definition)).map(({ text }) => text);
    return [...library, own].join("\n");
}

/** A script of `scripts/`, by its name without ".sh". */
export function readScript(name: string): string {
    return readFile(`${name}.sh`);
}

/** A file of `scripts/`. */
export function readFile(name: string): string {
    return readFileSync(new URL(`../scripts/${name}`, import.meta.url), "utf8");
}

/** The lines of a here-document are kept, because they are text even if they look like comments. */
function withoutComments(script: string): string {
    let end: string | undefined;
    const kept: string[] = [];
    for (const line of script.split("\n")) {
        if (end !== undefined) {
            kept.push(line);
            if (line === end) end = undefined;
            continue;
        }
        const comment = [...line.matchAll(/(^|\s+)#/g)].find(({ index }) => QUOTES_CLOSED.test(line.slice(0, index)));
        const code = line.slice(0, comment?.index);
        if (code !== "") kept.push(code);
        end = /<<'?(\w+)'?$/.exec(code)?.[1];
    }
    return kept.join("\n");
}

/** Code that does not end inside quotes. */
const QUOTES_CLOSED = /^(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*$/;

/** Functions begin and end at the start of a line. Constants have one line each. */
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
    return found.map(({ name, lines }) => {
        const text = lines.join("\n");
        return { name, text, words: wordsOf(text) };
    });
}

function wordsOf(text: string): Set<string> {
    return new Set(text.match(/\w+/g));
}

/** The files of `scripts/functions`, in the order of their definitions in a step's text. base must come first. */
export const FUNCTION_FILES = [
    "base",
    "expected",
    "packages",
    "linkmesh",
    "linkmesh-files",
    "nginx",
    "certbot",
] as const;

const [BASE, ...REST] = FUNCTION_FILES.map((name) => definitions(readScript(`functions/${name}`)));
const LIBRARY = [...BASE!, ...definitions(PORT_CONSTANTS), ...REST.flat()];
