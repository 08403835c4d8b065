import type { CheckResult } from "../../checks/index.ts";
import { Reconciler } from "../cloud/reconciler.ts";
import { readCloud } from "../cloud/store.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { EngineStages } from "../engine/stages.ts";
import type { LabStack } from "../engine/stack.ts";
import { type Lab, LabError, type Progress } from "../lab.ts";
import { allocateLab, lockLab } from "../slots.ts";
import { onInterrupt } from "../process/interrupt.ts";
import { startServices } from "../services/services.ts";
import { Ui } from "../ui.ts";
import { clientCaFile } from "./client-ca.ts";
import { checkPackageFile, publishPackage } from "./package.ts";
import { prepareMachine } from "./prepare.ts";
import { isPaused } from "./paused.ts";
import { printPaused, printReady } from "./report.ts";
import { configureStack, openSession, planReplacement, planSettings, readOutputs } from "./session.ts";
import { writeStages } from "./stages.ts";
import { checkEndpoints, hostOf, requireOutputs, resultLine, tierOf } from "./endpoints.ts";

export interface UpOptions {
    set?: string[];
    package?: string;
    /** Logical names of resources to replace. */
    replace?: string[];
    /** Whether to compare the state with the cloud first. */
    refresh?: boolean;
    json?: boolean;
    verbose?: boolean;
}

/** How long to wait for the endpoints after the program has ended, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Makes or updates the lab. Throws if a public endpoint does not answer. */
export async function up(options: UpOptions): Promise<void> {
    const ui = new Ui({ stream: options.json ? process.stderr : process.stdout, verbose: options.verbose });
    requireMachine();
    if (options.package !== undefined) checkPackageFile(options.package);
    const settings = planSettings(options.set ?? []);
    const replace = planReplacement(options.replace ?? []);
    const lab = await allocateLab();
    const unlock = await lockLab(lab, "up");
    const release = onInterrupt((signal) => {
        ui.failOpen();
        ui.info(
            `interrupted (${signal}): \`npm run lab -- up\` goes on from there, \`npm run lab -- destroy\` takes everything away`,
        );
        process.exit(130);
    });
    try {
        await prepareMachine(ui, lab.cacheDir);
        await ui.stage("services", (progress) => startLab(lab, progress));
        const pkg = await ui.stage("LinkMesh package", () => publishPackage(lab, options.package));
        let undo = () => {};
        const configure = (stack: LabStack) => {
            undo = configureStack(lab, stack, pkg, settings.overrides);
            if (stack.setting("dns") === "external") ui.info(RECORDS_ELSEWHERE);
        };
        await runProgram(lab, ui, { configure, saveSettings: settings.save, replace, refresh: options.refresh }).catch(
            (error: unknown) => {
                // Plain `pulumi` reads the same configuration.
                if (!settings.saved) undo();
                else if (options.set?.length) ui.info(keptSettings(options.set));
                throw error;
            },
        );
        const paused = await isPaused(lab);
        const results = paused ? [] : await checkStage(lab, ui);
        finish(lab, ui, { paused, checks: results }, options.json === true);
    } finally {
        release();
        writeStages(lab, ui.stages);
        unlock();
    }
}

const RECORDS_ELSEWHERE =
    "   dns is external: `npm run lab -- record NAME TYPE VALUE` in another terminal makes a record that is asked for";

/** Starts the services and, after a reboot, the cloud's network and machines. */
async function startLab(lab: Lab, progress: Progress): Promise<void> {
    await startServices(lab, progress);
    const reconciler = new Reconciler(lab);
    progress("the cloud's network and machines");
    await reconciler.apply(await readCloud(lab));
}

/** Runs the program through the engine. Prints a line for each group of resources and each step on the machine. */
async function runProgram(
    lab: Lab,
    ui: Ui,
    run: {
        configure: (stack: LabStack) => void;
        saveSettings: (lab: Lab) => void;
        replace: string[];
        refresh?: boolean;
    },
): Promise<void> {
    const whole = ui.begin("program");
    const session = await openSession(lab, (message) => whole.progress(message)).catch((error: unknown) => {
        whole.fail();
        throw error;
    });
    const stages = new EngineStages((name) => ui.begin(name), whole);
    try {
        await session.stack.init();
        await session.stack.recover((message) => whole.progress(message));
        run.configure(session.stack);
        await session.stack.up({
            replace: run.replace,
            refresh: run.refresh,
            onEvent: (event) => {
                stages.handle(event);
                // Settings are saved once something changes. If the program refuses a setting, it is not saved.
                if (stages.started) run.saveSettings(lab);
            },
        });
        run.saveSettings(lab);
        stages.close();
        whole.done(undefined, describeChanges(stages.changes));
    } catch (error) {
        stages.close();
        whole.fail();
        throw error;
    } finally {
        await session.close();
    }
}

/** Reminds the user of settings that stay in force although the run failed. */
function keptSettings(sets: readonly string[]): string {
    const keys = sets.map((set) => set.split("=")[0]);
    return `in force from now on: --set ${keys.join(", --set ")} (\`--set ${keys[0]}=\` takes it back)`;
}

/** "no change", or "41 created, 2 updated". */
function describeChanges(changes: Record<string, number>): string {
    const words: Record<string, string> = {
        create: "created",
        update: "updated",
        replace: "replaced",
        delete: "deleted",
    };
    const parts = Object.entries(changes)
        .filter(([op]) => op in words)
        .map(([op, count]) => `${count} ${words[op]}`);
    return parts.length > 0 ? parts.join(", ") : "no change";
}

async function checkStage(lab: Lab, ui: Ui): Promise<CheckResult[]> {
    return ui.stage("checks from outside", async (progress) => {
        const outputs = requireOutputs(readOutputs(lab));
        const results = await checkEndpoints(lab, outputs, {
            retryForMs: PATIENCE_MS,
            onResult: (result) => progress(resultLine(result)),
        });
        const failed = results.filter(({ status }) => status === "fail");
        if (failed.length === 0) return results;
        const lines = failed.map((result) => `${resultLine(result)}${result.hint ? `; ${result.hint}` : ""}`);
        const what = tierOf(outputs) ? "the machines are" : "the machine is";
        throw new LabError(`${what} set up, but not everything answers:\n${lines.join("\n")}`);
    });
}

function finish(lab: Lab, ui: Ui, outcome: { paused: boolean; checks: CheckResult[] }, json: boolean): void {
    const outputs = requireOutputs(readOutputs(lab));
    const caFile = clientCaFile(lab);
    if (json) {
        console.log(JSON.stringify({ outputs, host: hostOf(outputs), caFile, stages: ui.stages, ...outcome }, null, 2));
    } else if (outcome.paused) {
        printPaused(ui, outputs);
    } else {
        printReady(ui, outputs, caFile);
    }
}
