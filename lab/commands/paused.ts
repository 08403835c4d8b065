import { programInstance } from "../cloud/state.ts";
import { readCloud } from "../cloud/store.ts";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { isUp } from "./endpoints.ts";

/** The command that ends a pause. */
export const RESUME = "npm run lab -- up --set paused=false";

/**
 * Whether the stack is complete but for its machine, as the setting `paused` leaves it. A machine that is missing for
 * another reason, such as a replacement that was cut, is no pause.
 */
export async function isPaused(lab: Lab): Promise<boolean> {
    const stack = new LabStack(lab, { command: "" });
    // Plain `pulumi config set` writes texts.
    if (!isUp(stack.outputs()) || String(stack.setting("paused")) !== "true") return false;
    return programInstance(await readCloud(lab)) === undefined;
}

/** For what needs the machine: refuses a lab that is paused. */
export async function requireMachineUp(lab: Lab): Promise<void> {
    if (await isPaused(lab)) throw new LabError(`the lab is paused and has no machine: \`${RESUME}\` brings it back`);
}
