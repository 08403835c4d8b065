import { existsSync, readFileSync } from "node:fs";
import { LabError } from "./lab.ts";

/** The JSON object in a file of the lab's directory; undefined if there is no such file. @throws LabError for anything else */
export function readKept<T extends object>(file: string): T | undefined {
    return existsSync(file) ? parseKept<T>(file, readFileSync(file, "utf8")) : undefined;
}

/** @param file where the text is from */
export function parseKept<T extends object>(file: string, text: string): T {
    try {
        const value: unknown = JSON.parse(text);
        if (typeof value === "object" && value !== null) return value as T;
    } catch {
        // Not JSON at all.
    }
    throw new LabError(
        `${file} is not as the lab wrote it: \`npm run lab -- destroy --ignore-protect\` removes the lab, and \`npm run lab -- up\` makes another`,
    );
}
