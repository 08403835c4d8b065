import { readScript, withFunctions } from "./script.ts";

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
        "",
        "unpack() {",
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
