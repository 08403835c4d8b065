import { readScript, withFunctions } from "./script.ts";

/** Between the variables and the files. */
const UNPACK = "\nunpack() {\n";

/** What one step runs on the machine, as plain text. */
export interface StepText {
    /** Name of the step and of its script, `scripts/NAME.sh`. */
    readonly name: string;
    /** Shell variables for the script, in upper case. */
    readonly variables?: Readonly<Record<string, string>>;
    /** Files that the script finds in the folder FILES. */
    readonly files?: Readonly<Record<string, string>>;
}

/**
 * The text that a step sends to bash on the machine's standard input: variables, files and script in one. All of it
 * stands in functions that the last line calls, so that a connection cut half-way runs nothing. Pure.
 * @param script defines main; default: `scripts/NAME.sh`
 */
export function renderStep({ name, variables = {}, files = {} }: StepText, script = readScript(name)): string {
    return [
        `STEP=${quote(name)}`,
        ...Object.entries(variables).map(([key, value]) => `${key}=${quote(value)}`),
        UNPACK.trimEnd(),
        ...Object.entries(files).map(
            ([file, text]) => `    cat >"$FILES/${file}" <<'${terminator(text)}' &&\n${ended(text)}${terminator(text)}`,
        ),
        "    true",
        "}",
        "",
        withFunctions(script),
        // The step's own standard input is closed: nothing that it starts may read the rest of this text.
        "start </dev/null",
        "",
    ].join("\n");
}

/** The parts of a step's text, by names such as "variable DOMAIN", "file entries" and "script". */
export type Parts = ReadonlyMap<string, string>;

const VARIABLE = /(\w+)=('[^']*(?:'\\''[^']*)*')\n/y;
const FILE = / {4}cat >"\$FILES\/([^"\n]+)" <<'(\w+)' &&\n((?:[^\n]*\n)*?)\2\n/y;

/** Reads a text that `renderStep` has written. Whatever it does not know counts as script. Pure. */
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

const ended = (text: string) => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/** A here-document's end that no line of the text equals. */
function terminator(text: string): string {
    const lines = new Set(text.split("\n"));
    let word = "END_OF_FILE";
    while (lines.has(word)) word += "_";
    return word;
}
