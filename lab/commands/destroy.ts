import { existsSync } from "node:fs";
import { Realizer } from "../cloud/realizer.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { EngineStages } from "../engine/stages.ts";
import { Interrupted } from "../engine/stack.ts";
import { onInterrupt } from "../interrupt.ts";
import { type Lab, LabError, SLOTS, labAt } from "../lab.ts";
import { findLab, lockLab, releaseLab } from "../labs.ts";
import { stopServices } from "../services/services.ts";
import { Ui } from "../ui.ts";
import { openSessionIfPossible } from "./session.ts";

export interface DestroyOptions {
    /** Another lab of this machine, or what is left of it. */
    slot?: string;
    verbose?: boolean;
}

/** Takes the lab away: stack, services, machines, network, files. Works on whatever a crash or a restart has left. */
export async function destroy(options: DestroyOptions): Promise<void> {
    const ui = new Ui({ verbose: options.verbose });
    const lab = options.slot === undefined ? findLab() : labAt(parseSlot(options.slot));
    if (!lab) {
        ui.info("nothing to destroy: this checkout has no lab");
        return;
    }
    requireMachine();
    const unlock = lockLab(lab, "destroy");
    const release = onInterrupt((signal) => {
        ui.failOpen();
        ui.info(`interrupted (${signal}): \`npm run lab -- destroy\` goes on from there`);
        process.exit(130);
    });
    try {
        if (existsSync(lab.dir)) await destroyStack(lab, ui);
        await ui.stage("services, machines and network", async () => {
            await stopServices(lab);
            await new Realizer(lab).teardown();
        });
        await ui.stage("files", () => Promise.resolve(releaseLab(lab)));
    } finally {
        release();
        unlock();
    }
}

/** Lets the engine take its resources away. What it cannot do is done without it, so a failure is only a remark. */
async function destroyStack(lab: Lab, ui: Ui): Promise<void> {
    const session = await openSessionIfPossible(lab);
    if (!session) return;
    const whole = ui.begin("stack");
    const stages = new EngineStages((name) => ui.begin(name), whole);
    try {
        if (session.stack.size > 0) {
            await session.stack.init();
            await session.stack.recover((message) => whole.progress(message));
            await session.stack.destroy({ onEvent: (event) => stages.handle(event) });
        }
        stages.close();
        whole.done();
    } catch (error) {
        stages.close();
        whole.fail();
        if (!(error instanceof LabError) || error instanceof Interrupted) throw error;
        ui.info(`the engine could not take the stack away (${error.message.split("\n")[0]}): going on without it`);
    } finally {
        await session.close();
    }
}

function parseSlot(text: string): number {
    const slot = Number(text);
    if (!/^\d$/.test(text) || slot >= SLOTS)
        throw new LabError(`--slot ${text} must be a number from 0 to ${SLOTS - 1}`);
    return slot;
}
