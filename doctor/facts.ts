import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { quote } from "../components/host/render/step.ts";
import { withFunctions } from "../components/host/render/script.ts";
import { ConnectionError } from "../checks/connection-error.ts";
import { LIMITS_SCRIPT } from "../checks/limits.ts";
import { RENEWAL_SCRIPT } from "../checks/renewal.ts";
import { RESTART_SCRIPT } from "../checks/restart.ts";
import { SERVED_SCRIPT } from "../checks/served.ts";
import { SETUP_SCRIPT } from "../checks/setup.ts";
import { runOverSsh } from "../checks/ssh.ts";

/** A line of the machine is not what was asked for, whoever or whatever printed it. */
export class Unreadable extends Error {
    override name = "Unreadable";
}

/** @throws Unreadable if the text is no count */
export function count(text = ""): number {
    if (!/^\d{1,15}$/.test(text)) throw new Unreadable(`"${text}" instead of a number`);
    return Number(text);
}

/** What the machine says about itself, by section. A section that is absent is empty. */
export class Facts {
    constructor(private readonly sections: ReadonlyMap<string, string>) {}

    text(section: string): string {
        return this.sections.get(section) ?? "";
    }

    lines(section: string): string[] {
        return this.text(section)
            .split("\n")
            .filter((line) => line !== "");
    }

    /**
     * The rest of each line that begins with this word, in words or other parts.
     * @throws Unreadable if a line has fewer of them
     */
    rows(section: string, word: string, least = 1, separator: string | RegExp = /\s+/): string[][] {
        const rows = this.lines(section).map((line) => line.split(separator));
        return rows.filter(([first]) => first === word).map(([, ...parts]) => withAtLeast(least, parts));
    }

    /** The parts of each line. @throws Unreadable if a line has fewer */
    parts(section: string, least: number, separator: string | RegExp): string[][] {
        return this.lines(section).map((line) => withAtLeast(least, line.split(separator)));
    }

    /** The value of a line NAME=VALUE, "NAME VALUE" or "NAME: VALUE". */
    value(section: string, name: string): string | undefined {
        const line = this.lines(section).find((one) => /^\w+/.exec(one)?.[0] === name);
        return line?.slice(name.length).replace(/^[=:]?\s*/, "");
    }

    /** What the command said that failed in this section. Undefined if the section is complete. */
    unasked(section: string): string | undefined {
        return this.lines("unasked")
            .find((line) => line.startsWith(`${section} `))
            ?.slice(section.length + 1);
    }

    /** The whole number with which the value begins; NaN if it does not. */
    number(section: string, name: string): number {
        const [digits] = /^\d{1,15}\b/.exec(this.value(section, name) ?? "") ?? [];
        return digits === undefined ? NaN : Number(digits);
    }
}

function withAtLeast(least: number, parts: string[]): string[] {
    if (parts.length < least) throw new Unreadable(`"${parts.join(" ")}" is not all of a line`);
    return parts;
}

/** What the checks on the machine print, too. */
const CHECKS = {
    setup: SETUP_SCRIPT,
    renewal: RENEWAL_SCRIPT,
    restart: RESTART_SCRIPT,
    limits: LIMITS_SCRIPT,
    served: SERVED_SCRIPT,
};

/**
 * The script that prints the facts. Pure.
 * @param mark begins the line above each section. Nobody on the machine may guess it: their file names are in the facts.
 */
export function factsScript(mark: string): string {
    const script = readFileSync(new URL("look.sh", import.meta.url), "utf8");
    const checks = Object.entries(CHECKS).flatMap(([name, text]) => [
        `check_${name}() { sh -c ${quote(text)} sh "$(host | cut -d' ' -f2)" 443; }`,
        `section ${name} check_${name} </dev/null`,
    ]);
    checks.push("section unasked unasked");
    const look = [`MARK='${mark}'`, "main </dev/null"];
    return [withFunctions(script, { entry: false }), ...look, ...checks, `echo '${mark} complete'`, ""].join("\n");
}

/** @throws ConnectionError */
export async function askMachine(ssh: string[], timeoutMs: number): Promise<Facts> {
    const mark = `== ${randomUUID()}`;
    // In a here-document, because sh may have read more of its input than this command.
    const script = `bash <<'END_OF_FACTS'\n${factsScript(mark)}END_OF_FACTS\n`;
    const printed = await runOverSsh(ssh, script, [], timeoutMs);
    if (!printed.endsWith(`\n${mark} complete`)) {
        throw new ConnectionError("the machine stopped before it had told everything", "try again, and log in to look");
    }
    return readFacts(printed, mark);
}

/**
 * @param printed what the script prints.
 * @throws ConnectionError
 */
export function readFacts(printed: string, mark: string): Facts {
    const sections = new Map<string, string>();
    for (const section of printed.split(new RegExp(`^${mark} `, "m")).slice(1)) {
        const end = section.indexOf("\n");
        const name = section.slice(0, end);
        if (sections.has(name)) {
            throw new ConnectionError(`the machine tells ${name} twice, so neither counts`, "log in to look");
        }
        sections.set(name, section.slice(end + 1));
    }
    return new Facts(sections);
}
