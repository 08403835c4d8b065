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
 * The server secret from the environment, which the unit sets, or else from the unit's environment file, because
 * `runuser -u linkmesh -- linkmesh-server cert init` runs without the unit's environment.
 */
export function serverSecret(environmentFile: string): string {
    let secret = process.env.LINKMESH_SECRET;
    let hint = "";
    if (!secret) {
        try {
            secret = readVariable(readFileSync(environmentFile, "utf8"), "LINKMESH_SECRET");
        } catch (error) {
            hint = ` (${systemReason(error)})`;
        }
    }
    if (!secret) {
        throw new Failure(
            `the server secret is missing: LINKMESH_SECRET is neither in the environment nor in ${environmentFile}${hint}`,
            EXIT.configuration,
        );
    }
    return secret;
}
