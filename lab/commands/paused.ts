import { programInstance } from "../cloud/state.ts";
import { readCloud } from "../cloud/store.ts";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { isUp } from "./endpoints.ts";

/** The command that ends a pause. */
export const RESUME = "npm run lab -- up --set paused=false";

/**
 * Whether the setting `paused` has removed the machine of an otherwise complete stack. A machine that is missing for
 * another reason, such as an interrupted replacement, does not count.
 */
export async function isPaused(lab: Lab): Promise<boolean> {
    const stack = new LabStack(lab, { command: "" });
    // `pulumi config set` writes strings.
    if (!isUp(stack.outputs()) || String(stack.setting("paused")) !== "true") return false;
    return programInstance(await readCloud(lab)) === undefined;
}

/** Refuses a paused lab. For commands that need the machine. */
export async function requireMachineUp(lab: Lab): Promise<void> {
    if (await isPaused(lab)) throw new LabError(`the lab is paused and has no machine: \`${RESUME}\` brings it back`);
}
