import { readScript, withFunctions } from "./script.ts";

/** The line between the variables and the files. */
const UNPACK = "\nunpack() {\n";

/** What one step runs on the machine. */
export interface StepText {
    /** Name of the step and of its script, `scripts/NAME.sh`. */
    readonly name: string;
    /** Shell variables for the script, in upper case. */
    readonly variables?: Readonly<Record<string, string>>;
    /** Files that the script finds in the folder FILES. */
    readonly files?: Readonly<Record<string, string>>;
}

/**
 * The text that a step sends to the standard input of bash on the machine: variables, files and script. The last line calls
 * the functions that hold all of it, so if the connection is cut half-way, nothing runs. Pure.
 * @param script defines main; default: `scripts/NAME.sh`
 */
export function renderStep({ name, variables = {}, files = {} }: StepText, script = readScript(name)): string {
    return [
        `STEP=${quote(name)}`,
        ...Object.entries(variables).map(([key, value]) => `${key}=${quote(value)}`),
        UNPACK.trimEnd(),
        ...Object.entries(files).map(
            ([file, text]) =>
                `    cat >"$FILES/${file}" <<'${delimiter(text)}' &&\n${withFinalNewline(text)}${delimiter(text)}`,
        ),
        "    true",
        "}",
        "",
        withFunctions(script),
        // Standard input is closed, because a program that the step starts could read the rest of this text.
        "start </dev/null",
        "",
    ].join("\n");
}

/** The parts of a step's text, by names such as "variable DOMAIN", "file entries" and "script". */
export type Parts = ReadonlyMap<string, string>;

const VARIABLE = /(\w+)=('[^']*(?:'\\''[^']*)*')\n/y;
const FILE = / {4}cat >"\$FILES\/([^"\n]+)" <<'(\w+)' &&\n((?:[^\n]*\n)*?)\2\n/y;

/** Reads a text that `renderStep` has written. Everything that is neither variable nor file counts as script. Pure. */
export function readParts(text: string): Parts {
    const parts = new Map<string, string>();
    let end = /^STEP=.*\n/.exec(text)?.[0].length ?? 0;
    const readAll = (kind: string, pattern: RegExp) => {
        for (let found: RegExpExecArray | null; (found = matchAt(pattern, text, end)); end = pattern.lastIndex)
            parts.set(`${kind} ${found[1]!}`, found.at(-1)!);
    };
    readAll("variable", VARIABLE);
    if (text.startsWith(UNPACK, end)) end += UNPACK.length;
    readAll("file", FILE);
    return parts.set("script", text.slice(end));
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
    pattern.lastIndex = index;
    return pattern.exec(text);
}

/** A value as one word of the shell. */
export function quote(value: string): string {
    return `'${value.replaceAll("'", `'\\''`)}'`;
}

const withFinalNewline = (text: string) => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/** A delimiter for a here-document, which no line of the text equals. */
function delimiter(text: string): string {
    const lines = new Set(text.split("\n"));
    let word = "END_OF_FILE";
    while (lines.has(word)) word += "_";
    return word;
}
