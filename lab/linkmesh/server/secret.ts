import { readFileSync } from "node:fs";
import { EXIT, Failure, systemReason } from "./failure.ts";

export const ENVIRONMENT_FILE = "/etc/default/linkmesh-server";

/** The value of a variable in the format of systemd's EnvironmentFile=. The last assignment counts. */
export function readVariable(text: string, name: string): string | undefined {
    let value: string | undefined;
    for (const line of text.split("\n")) {
        const match = /^\s*([A-Za-z_]\w*)=(.*?)\s*$/.exec(line);
        if (match?.[1] === name) value = match[2]?.replace(/^(["'])(.*)\1$/, "$2");
    }
    return value;
}

/**
 * A variable of the environment, which the unit sets, or else of the unit's environment file, because
 * `runuser -u linkmesh -- linkmesh-server cert init` runs without the unit's environment.
 *
 * @throws {Failure} if both lack it
 */
export function environmentVariable(name: string, meaning: string, environmentFile: string): string {
    let value = process.env[name];
    let hint = "";
    if (!value) {
        try {
            value = readVariable(readFileSync(environmentFile, "utf8"), name);
        } catch (error) {
            hint = ` (${systemReason(error)})`;
        }
    }
    if (!value) {
        throw new Failure(
            `${meaning} is missing: ${name} is neither in the environment nor in ${environmentFile}${hint}`,
            EXIT.configuration,
        );
    }
    return value;
}

export function serverSecret(environmentFile: string): string {
    return environmentVariable("LINKMESH_SECRET", "the server secret", environmentFile);
}
