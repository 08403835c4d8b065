import { existsSync } from "node:fs";
import { Reconciler } from "../cloud/reconciler.ts";
import { readCloud } from "../cloud/store.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { EngineStages } from "../engine/stages.ts";
import { Interrupted, LabStack } from "../engine/stack.ts";
import { onInterrupt } from "../process/interrupt.ts";
import { type Lab, LabError, SLOTS, labAt } from "../lab.ts";
import { findLab, lockLab, otherLabs, releaseLab } from "../slots.ts";
import { stopServices } from "../services/services.ts";
import { Ui } from "../ui.ts";
import { type Session, openSession, openSessionIfPossible } from "./session.ts";

export interface DestroyOptions {
    /** Removes only the program's resources. The lab's services, its cloud with the snapshots, and the settings stay. */
    stack?: boolean;
    /** Destroys the stack even if it is protected. */
    ignoreProtect?: boolean;
    /** The slot of another lab on this machine, or of its leftovers. */
    slot?: string;
    verbose?: boolean;
}

/** Removes the lab: stack, services, machines, network, files. Also works after a crash or a restart. */
export async function destroy(options: DestroyOptions): Promise<void> {
    const ui = new Ui({ verbose: options.verbose });
    const lab = options.slot === undefined ? findLab() : labAt(parseSlot(options.slot));
    if (!lab) {
        ui.info(`nothing to destroy: this checkout has no lab${otherLabs()}`);
        return;
    }
    requireMachine();
    const unlock = await lockLab(lab, "destroy");
    const release = onInterrupt((signal) => {
        ui.failOpen();
        const again = options.stack ? "destroy --stack" : "destroy";
        ui.info(`interrupted (${signal}): \`npm run lab -- ${again}\` goes on from there`);
        process.exit(130);
    });
    try {
        if (!options.ignoreProtect) refuseProtected(lab);
        if (options.stack) await destroyStackOnly(lab, ui);
        else await destroyAll(lab, ui);
    } finally {
        release();
        unlock();
    }
}

/** Refuses before anything changes. The engine would refuse only when it reaches the protected resource. */
function refuseProtected(lab: Lab): void {
    if (!new LabStack(lab, { command: "" }).isProtected) return;
    throw new LabError(
        "the stack is protected by the setting protect: lift it with `npm run lab -- up --set protect=false`, then destroy",
    );
}

async function destroyAll(lab: Lab, ui: Ui): Promise<void> {
    const session = existsSync(lab.dir) ? await openSessionIfPossible(lab) : undefined;
    if (session) {
        // If the engine fails, the lab removes everything without it.
        await destroyStack(session, ui).catch((error: unknown) => {
            if (!(error instanceof LabError) || error instanceof Interrupted) throw error;
            const [reason] = error.message.split("\n");
            ui.info(`the engine could not take the stack away (${reason}): going on without it`);
        });
    }
    await ui.stage("services, machines and network", async () => {
        await stopServices(lab);
        await new Reconciler(lab).teardown();
    });
    await ui.stage("files", () => Promise.resolve(releaseLab(lab)));
}

/** Destroys only the stack, so that the cloud stays as a real one does. */
async function destroyStackOnly(lab: Lab, ui: Ui): Promise<void> {
    await destroyStack(await openSession(lab, (message) => ui.info(message)), ui);
    const { snapshots, bastion } = await readCloud(lab);
    const count = Object.keys(snapshots).length;
    ui.info("");
    ui.info(
        `The lab stays, its cloud holds ${count} snapshot${count === 1 ? "" : "s"}${bastion ? " and the bastion" : ""}.`,
    );
    ui.info("   npm run lab -- up        builds the stack again");
    ui.info("   npm run lab -- destroy   takes everything away");
}

/** Lets the engine delete its resources and closes the session. */
async function destroyStack(session: Session, ui: Ui): Promise<void> {
    const { stack } = session;
    const whole = ui.begin("stack");
    const stages = new EngineStages((name) => ui.begin(name), whole);
    try {
        if (stack.size > 0) {
            await stack.init();
            await stack.recover((message) => whole.progress(message));
            if (stack.isProtected) await stack.unprotect();
            await stack.destroy({ onEvent: (event) => stages.handle(event) });
        }
        stages.close();
        whole.done();
    } catch (error) {
        stages.close();
        whole.fail();
        throw error;
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
