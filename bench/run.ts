import { resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ensurePulumi } from "../lab/engine/ensure-pulumi.ts";
import { ensurePrerequisites, requireMachine } from "../lab/engine/prerequisites.ts";
import { LabError, labCacheDir } from "../lab/lab.ts";
import { CHECKOUT } from "../lab/slots.ts";
import { Ui } from "../lab/ui.ts";
import { type Regression, compare } from "./compare.ts";
import { Bench } from "./context.ts";
import { FOLDER, writeDocuments, writeResult } from "./document.ts";
import { interrupted, lockBenchmark, stopIfInterrupted, watchInterrupts } from "./lab.ts";
import { describeMachine, loadAverage } from "./machine.ts";
import { type Part, inTurn } from "./part.ts";
import { PARTS } from "./parts.ts";
import { type Result, readResults } from "./result.ts";
import { number, renderResult } from "./tables.ts";

interface Options {
    only?: string[];
    quick?: boolean;
    runs?: number;
    compare?: string;
    write?: string | true;
}

const BAD_OPTION = 2;
const INTERRUPTED = 130;

const program = new Command("npm run bench --")
    .description(
        "Measures this project and what people would pick instead, in machines of its own that are removed at the end. " +
            `A full run writes its results to ${FOLDER}.\n\nParts:\n` +
            PARTS.map(({ name, what, minutes }) => `  ${name.padEnd(9)} ${what} (${minutes.full} min)`).join("\n"),
    )
    .addOption(
        new Option("--only <part...>", "measure only this; may be repeated").choices(PARTS.map(({ name }) => name)),
    )
    .option("--quick", "small numbers and one run, to try the benchmark: the figures mean little, and are not kept")
    .option("--runs <number>", "how often, instead of each part's own number", wholeNumber)
    .option(
        "--compare <path>",
        "name the ratios that got worse than in this file or folder of results, and exit with 1",
    )
    .option("--write [folder]", `keep the results of a quick run too, or keep them elsewhere (default: ${FOLDER})`)
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
    // Before anything is measured, because the run may replace the file.
    const baseline = options.compare === undefined ? undefined : readResults(options.compare);
    requireMachine();
    const unlock = await lockBenchmark();
    const release = watchInterrupts();
    const ui = new Ui({ stream: process.stderr });
    const results: Result[] = [];
    try {
        await measure(options, ui, results);
    } finally {
        await cleanUp(ui);
        release();
        unlock();
    }
    const worse = baseline ? compare(baseline, results) : [];
    for (const regression of worse) console.error(sentence(regression));
    return worse.length > 0 ? 1 : 0;
}

/** Reports its own failure, which must not hide an earlier one. */
async function cleanUp(ui: Ui): Promise<void> {
    try {
        await ui.stage("removing the benchmark's machines", () => Bench.remove());
    } catch (error) {
        console.error(`error: the benchmark's machines are still there: ${(error as Error).message}`);
        console.error("run `npm run bench -- --only cold --quick`, which removes them first");
        process.exitCode = 1;
    }
}

async function measure({ only, quick = false, runs, write }: Options, ui: Ui, results: Result[]): Promise<void> {
    const parts = PARTS.filter(({ name }) => only === undefined || only.includes(name));
    const minutes = parts.reduce((sum, part) => sum + part.minutes[quick ? "quick" : "full"], 0);
    ui.info(`${parts.map(({ name }) => name).join(", ")}: about ${Math.ceil(minutes)} minutes on two cores`);
    const load = loadAverage();
    const folder = write === undefined && quick ? undefined : resolve(CHECKOUT, folderOf(write));
    await ui.stage("prerequisites", (progress) => ensurePrerequisites((line) => ui.info(line), progress));
    const cli = await ui.stage("engine", (progress) => ensurePulumi(labCacheDir(), progress));
    await ui.stage("removing what an earlier run left", () => Bench.remove());
    const bench = new Bench({ quick, runs, cli, signal: interrupted });
    const measureAndKeep = async (part: Part) => {
        const result = { ...(await measurePart(bench, part, ui)), quick, load, machine: describeMachine(cli) };
        results.push(result);
        console.log(`## ${part.name}: ${part.what}\n\n${renderResult(result)}\n`);
        if (folder !== undefined) writeResult(result, folder);
        if (folder === resolve(CHECKOUT, FOLDER)) writeDocuments();
    };
    await inTurn(parts, measureAndKeep, async (error) => {
        if (interrupted.aborted) throw error;
        process.exitCode = report(error);
        await bench.forget();
    });
}

function folderOf(write: Options["write"]): string {
    return typeof write === "string" ? resolve(write) : FOLDER;
}

async function measurePart(
    bench: Bench,
    part: Part,
    ui: Ui,
): Promise<Pick<Result, "part" | "what" | "command" | "date" | "measures" | "notes">> {
    const date = new Date().toISOString();
    return ui.stage(part.name, async (progress) => {
        const { context, notes, end } = bench.context(progress);
        try {
            stopIfInterrupted();
            const measures = await part.measure(context);
            return { part: part.name, what: part.what, command: commandLine(part), date, measures, notes };
        } finally {
            await end();
        }
    });
}

/** The command that measures this part again. */
function commandLine({ name }: Part): string {
    const { quick, runs } = program.opts<Options>();
    return [
        `npm run bench -- --only ${name}`,
        ...(quick ? ["--quick"] : []),
        ...(runs === undefined ? [] : [`--runs ${runs}`]),
    ].join(" ");
}

function sentence({ part, ratio, before, after }: Regression): string {
    const range = ({ min, median, max }: typeof before) => `${number(median)} (${number(min)} to ${number(max)})`;
    return `worse: ${part}: ${ratio}: ${range(after)}, and it was ${range(before)}`;
}

/** Prints the error and gives the exit code. Only a defect has a stack trace. */
function report(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_OPTION;
    // Whatever it was that Ctrl-C cut off. The engine's own message says how to continue with the lab, which is destroyed.
    if (interrupted.aborted) {
        console.error("error: the benchmark was interrupted");
        return INTERRUPTED;
    }
    if (!(error instanceof LabError)) {
        console.error(error);
        return 1;
    }
    console.error(`error: ${error.message}`);
    return 1;
}
