import { readFileSync } from "node:fs";

/** What one step runs on the machine, as plain text. */
export interface StepText {
    /** Name of the step and of its script, `scripts/NAME.sh`. */
    readonly name: string;
    /** Shell variables for the script, in upper case. */
    readonly variables?: Readonly<Record<string, string>>;
    /** Files that the script finds in the folder FILES. */
    readonly files?: Readonly<Record<string, string>>;
}

/** What every step may use, in this order. */
const FUNCTIONS = ["base", "packages", "linkmesh", "nginx"].map((name) => readScript(`functions/${name}`));

/**
 * The text that a step sends to bash on the machine's standard input: variables, files and script in one. All of it
 * stands in functions that the last line calls, so that a connection cut half-way runs nothing. Pure.
 */
export function renderStep({ name, variables = {}, files = {} }: StepText): string {
    return [
        `STEP=${quote(name)}`,
        ...Object.entries(variables).map(([key, value]) => `${key}=${quote(value)}`),
        "",
        "unpack() {",
        ...Object.entries(files).map(
            ([file, text]) => `    cat >"$FILES/${file}" <<'${terminator(text)}' &&\n${ended(text)}${terminator(text)}`,
        ),
        "    true",
        "}",
        "",
        ...FUNCTIONS,
        readScript(name),
        // The step's own standard input is closed: nothing that it starts may read the rest of this text.
        "start </dev/null",
        "",
    ].join("\n");
}

/** The script of a step, without the lines that only concern shellcheck and editors. */
export function readScript(name: string): string {
    return readFile(`${name}.sh`).replace(/^(#!.*\n)?(# shellcheck .*\n)*/, "");
}

/** A file beside the scripts. */
export function readFile(name: string): string {
    return readFileSync(new URL(`../scripts/${name}`, import.meta.url), "utf8");
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
