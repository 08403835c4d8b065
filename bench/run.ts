import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ensurePulumi } from "../lab/engine/ensure-pulumi.ts";
import { completePath, requireMachine } from "../lab/engine/prerequisites.ts";
import { LabError, labCacheDir } from "../lab/lab.ts";
import { Ui } from "../lab/ui.ts";
import { measureCold } from "./cold.ts";
import { measureEngine } from "./engine.ts";
import { labDestroy, labUp, lockBenchmark, watchInterrupts } from "./lab.ts";
import { describeMachine, loadAverage } from "./machine.ts";
import { measureReplacement } from "./replace.ts";
import { type Results, checkReportFile, render, writeReport } from "./report.ts";

const PARTS = ["preview", "up", "replace", "cold"] as const;
type Part = (typeof PARTS)[number];

interface Options {
    only?: Part;
    runs?: number;
    write?: string;
}

/** Fewer cold runs, because a cold `up` takes a minute and a replacement half of one. */
const ENGINE_RUNS = 15;
const COLD_RUNS = 3;
const BAD_OPTION = 2;
const INTERRUPTED = 130;

const program = new Command("npm run bench --")
    .description(
        "Measures the project's speed goals in a lab of its own, which is destroyed at the end. Writes nothing by default.",
    )
    .addOption(new Option("--only <part>", "measure only this").choices(PARTS))
    .option(
        "--runs <number>",
        `how often (default: ${ENGINE_RUNS}, a cold up and a replacement ${COLD_RUNS})`,
        wholeNumber,
    )
    .option("--write <file>", "write the report between the markers of this file, such as docs/benchmarks.md")
    .exitOverride();

function wholeNumber(text: string): number {
    const value = Number(text);
    if (/^\d{1,3}$/.test(text) && value > 0) return value;
    throw new InvalidArgumentError("Give a whole number from 1 to 999.");
}

try {
    const code = await main();
    process.exitCode ||= code;
} catch (error) {
    process.exitCode = report(error);
}

async function main(): Promise<number> {
    program.parse();
    const options = program.opts<Options>();
    if (options.write !== undefined) {
        if (options.only) return badOption("--write replaces the whole report: remove --only");
        try {
            checkReportFile(options.write);
        } catch (error) {
            return badOption((error as Error).message);
        }
    }
    completePath();
    requireMachine();
    const unlock = await lockBenchmark();
    const release = watchInterrupts();
    const ui = new Ui({ stream: process.stderr });
    try {
        const text = await measure(options, ui);
        console.log(text);
        if (options.write !== undefined) writeReport(options.write, text);
        return 0;
    } finally {
        await cleanUp(ui);
        release();
        unlock();
    }
}

/** Reports its own failure, which must not hide an earlier one. */
async function cleanUp(ui: Ui): Promise<void> {
    try {
        await ui.stage("destroying the benchmark's lab", () => labDestroy());
    } catch (error) {
        console.error(`error: the benchmark's lab is still there: ${(error as Error).message}`);
        console.error("run `LINKMESH_LAB_NAME=bench npm run lab -- destroy`");
        process.exitCode = 1;
    }
}

async function measure({ only, runs }: Options, ui: Ui): Promise<string> {
    const load = loadAverage();
    const results: Results = {};
    const cli = await ui.stage("engine", (progress) => ensurePulumi(labCacheDir(), progress));
    const machine = describeMachine(cli, load);
    await ui.stage("a lab of its own, with full caches", async () => {
        await labDestroy();
        await labUp();
    });
    if (only === undefined || only === "preview" || only === "up") {
        results.engine = await ui.stage("unchanged stack", (progress) =>
            measureEngine(cli, runs ?? ENGINE_RUNS, only !== "preview", progress),
        );
    }
    if (only === undefined || only === "replace") {
        results.downtime = await ui.stage("replacement of the machine", (progress) =>
            measureReplacement(runs ?? COLD_RUNS, progress),
        );
    }
    if (only === undefined || only === "cold") {
        results.cold = await ui.stage("cold up", (progress) => measureCold(runs ?? COLD_RUNS, progress));
    }
    return render(results, machine, ["npm run bench", ...commandLine()].join(" "));
}

function commandLine(): string[] {
    const args = process.argv.slice(2);
    return args.length > 0 ? ["--", ...args] : [];
}

function badOption(message: string): number {
    console.error(`error: ${message}`);
    return BAD_OPTION;
}

/** Prints the error and gives the exit code. Only a defect has a stack trace. */
function report(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_OPTION;
    if (!(error instanceof LabError)) {
        console.error(error);
        return 1;
    }
    const interrupted = error.name === "Interrupted";
    // The engine's own message says how to continue with the lab, which is destroyed.
    console.error(`error: ${interrupted ? "the benchmark was interrupted" : error.message}`);
    return interrupted ? INTERRUPTED : 1;
}
