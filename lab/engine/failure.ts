import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { ABOUT_STEP, plainText, resourceName, typeOf } from "./stages.ts";

/** An error from the engine, with its resource. */
export interface Diagnostic {
    urn?: string;
    /** Name of the step, if the resource is a step. */
    step?: string;
    message: string;
}

/** The error in an event; undefined if there is none. */
export function diagnosticOf(event: EngineEvent): Diagnostic | undefined {
    const diagnostic = event.diagnosticEvent;
    if (!diagnostic || diagnostic.severity !== "error") return undefined;
    return { urn: diagnostic.urn, message: plainText(diagnostic.message) };
}

/**
 * What went wrong, in one sentence without command text and stack trace: the first error of a resource, else the
 * program's error, else the CLI's output. Several wrong settings have a line each.
 */
export function failureSentence(diagnostics: Diagnostic[], stderr: string, stdout = ""): string {
    const ofResource = diagnostics.find(({ urn }) => urn && typeOf(urn) !== "pulumi:pulumi:Stack");
    if (ofResource) return resourceFailure(ofResource);
    const ofProgram = diagnostics.find(({ message }) => !/^\s*(error: )?(update failed|preview failed)/.test(message));
    if (ofProgram) return programFailure(ofProgram.message);
    return cliFailure(stderr || stdout);
}

function resourceFailure({ urn = "", step, message }: Diagnostic): string {
    if (step) return `step ${step}: ${commandFailure(message)}`;
    // The program's own sentence about a failed step.
    if (ABOUT_STEP.test(message)) return firstLine(message);
    return `${resourceName(urn)} (${typeOf(urn).split(":").at(-1)}): ${firstLine(message)}`;
}

const COMMAND_FAILED = /Process exited with status (\d+)(?: from signal \w+)?: running "(?:[^"\\]|\\.)*":?\s*/s;

function commandFailure(message: string): string {
    const match = COMMAND_FAILED.exec(message);
    // The program's own description of the error.
    if (!match) return firstLine(message);
    const lines = message
        .slice(match.index + match[0].length)
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
    // A step prints its one sentence last. The rest is output of commands.
    const own = lines.filter((line) => line.startsWith("error: ")).at(-1);
    if (own) return own.slice("error: ".length);
    if (match[1] === "124")
        return `did not finish in time${lines.length > 0 ? `; its last line: ${lines.at(-1)}` : ""}`;
    return lines.at(-1) ?? `ended with status ${match[1]} and said nothing`;
}

function programFailure(message: string): string {
    const text = message.replace(/^\s*(error: )?/, "");
    const thrown =
        /^(?:Running program '[^']*' failed with an )?(?:[Uu]nhandled exception|unhandled rejection):\s*(.*)$/s.exec(
            text,
        )?.[1];
    if (thrown === undefined) {
        return text
            .split("\n")
            .filter((line) => line.trim() !== "" && !isStackLine(line))
            .join("\n");
    }
    return firstLine(thrown.replace(/^(?:<ref \*\d+> )?(?:\w*Error: )/, ""));
}

function cliFailure(output: string): string {
    const lines = plainText(output)
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !isStackLine(line));
    const index = lines.findIndex((line) => line.startsWith("error: "));
    if (index < 0) return lines.at(-1) ?? "the engine ended without a message";
    // "error: could not do it:" continues in the next line.
    const [first, second] = [lines[index]!.slice("error: ".length), lines[index + 1]];
    return first.endsWith(":") && second ? `${first} ${second}` : first;
}

function firstLine(message: string): string {
    const lines = message.split("\n").filter((line) => line.trim() !== "" && !isStackLine(line));
    return (lines[0] ?? "no message").trim().replace(/^error: /, "");
}

function isStackLine(line: string): boolean {
    return /^\s+at .*[:(]/.test(line) || /^\s*at (async )?\S+ \(?(file|node):/.test(line);
}
