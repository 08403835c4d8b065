import { readFileSync } from "node:fs";
import { quote } from "../components/host/render/step.ts";
import { withFunctions } from "../components/host/render/script.ts";
import { ConnectionError } from "../checks/connection-error.ts";
import { LIMITS_SCRIPT } from "../checks/limits.ts";
import { RENEWAL_SCRIPT } from "../checks/renewal.ts";
import { RESTART_SCRIPT } from "../checks/restart.ts";
import { SERVED_SCRIPT } from "../checks/served.ts";
import { runOverSsh } from "../checks/ssh.ts";

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

    /** The words of each line that begins with this word. */
    rows(section: string, word: string): string[][] {
        return this.lines(section)
            .map((line) => line.split(/\s+/))
            .filter(([first]) => first === word)
            .map(([, ...words]) => words);
    }

    /** The value of a line NAME=VALUE, "NAME VALUE" or "NAME: VALUE". */
    value(section: string, name: string): string | undefined {
        const line = this.lines(section).find((one) => /^\w+/.exec(one)?.[0] === name);
        return line?.slice(name.length).replace(/^[=:]?\s*/, "");
    }

    number(section: string, name: string): number {
        return parseFloat(this.value(section, name) ?? "");
    }
}

/** What the checks on the machine print, too. */
const CHECKS = { renewal: RENEWAL_SCRIPT, restart: RESTART_SCRIPT, limits: LIMITS_SCRIPT, served: SERVED_SCRIPT };

/** The script that prints the facts. Pure. */
export function factsScript(): string {
    const script = readFileSync(new URL("look.sh", import.meta.url), "utf8");
    const checks = Object.entries(CHECKS).flatMap(([name, text]) => [
        `echo '== ${name}'`,
        `sh -c ${quote(text)} sh "$(host | cut -d' ' -f2)" 443 2>/dev/null </dev/null`,
    ]);
    return [withFunctions(script, { entry: false }), "main </dev/null", ...checks, "echo '== complete'", ""].join("\n");
}

/** @throws ConnectionError */
export async function askMachine(ssh: string[], timeoutMs: number): Promise<Facts> {
    // In a here-document, because sh may have read more of its input than this command.
    const script = `bash <<'END_OF_FACTS'\n${factsScript()}END_OF_FACTS\n`;
    const printed = await runOverSsh(ssh, script, [], timeoutMs);
    if (!printed.endsWith("== complete")) {
        throw new ConnectionError("the machine stopped before it had told everything", "try again, and log in to look");
    }
    return readFacts(printed);
}

/** @param printed what the script prints. */
export function readFacts(printed: string): Facts {
    const sections = printed.split(/^== /m).slice(1);
    return new Facts(
        new Map(
            sections.map((section) => {
                const end = section.indexOf("\n");
                return [section.slice(0, end), section.slice(end + 1)];
            }),
        ),
    );
}
