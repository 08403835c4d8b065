import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PORT_CONSTANTS } from "../../components/host/render/ports.ts";
import { FUNCTION_FILES } from "../../components/host/render/script.ts";

/** The folder of the steps' scripts. */
export const SCRIPTS = join(import.meta.dirname, "../../components/host/scripts");

/** All programs in it, by their paths from there. */
export const FILES = readdirSync(SCRIPTS, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(sh|py)$/.test(name),
);

export const SHELL_FILES = FILES.filter((name) => name.endsWith(".sh"));

/** The scripts that are steps, without ".sh". */
export const STEP_SCRIPTS = SHELL_FILES.filter((name) => !name.includes("/")).map((name) => name.replace(".sh", ""));

/**
 * Shell that defines what every step may use, when it runs in the folder of the scripts. An error is reported while
 * there is a file WORK/no-error-yet, or while there is no WORK.
 */
export const SOURCE_FUNCTIONS = [
    ...PORT_CONSTANTS.split("\n"),
    ...FUNCTION_FILES.map((name) => `source ./functions/${name}.sh`),
].join("; ");
