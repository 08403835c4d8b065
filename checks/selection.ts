import { quote } from "../components/host/render/step.ts";

/** The stack and the project's directory that the command line has named. */
export interface Selection {
    stack?: string;
    cwd?: string;
}

/** Commands that concern one stack, as sentences for the user name them. */
const COMMANDS =
    /\b(pulumi (?:up|preview|refresh|destroy|stack output|config set)|npm run (?:check|doctor) -- --stack)\b/g;

/** The text, with its commands for the stack that was named, so that they can be typed as they stand. */
export function forSelection(text: string, { stack, cwd }: Selection): string {
    const directory = cwd === undefined ? "" : ` --cwd ${word(cwd)}`;
    return text.replace(COMMANDS, (command) => {
        const name = stack === undefined ? "" : ` ${word(stack)}`;
        if (command.startsWith("npm")) return `${command}${name}${directory}`;
        return `${command}${name && ` --stack${name}`}${directory}`;
    });
}

const word = (text: string) => (/^[\w./:@%+=-]+$/.test(text) ? text : quote(text));
