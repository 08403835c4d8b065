import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheOf } from "../../bundle.js";
import { Reconciler } from "../../lab/cloud/reconciler.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { programInstance } from "../../lab/cloud/state.ts";
import { standInPackages } from "../../lab/commands/plugins.ts";
import type { EngineResult } from "../../lab/engine/run.ts";
import { LabStack, type OperationOptions } from "../../lab/engine/stack.ts";
import { type Lab, LabError } from "../../lab/lab.ts";
import { enterMachine } from "../../lab/machines/machine.ts";
import { startProviders } from "../../lab/providers/index.ts";
import { CHECKOUT } from "../../lab/slots.ts";
import { lab, stopIfInterrupted } from "../lab.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";
import { type Duration, IMPORT_SDKS, PlainPreviews } from "../plain-preview.ts";
import { timed } from "../spread.ts";

const EMPTY = "empty program with the same SDKs";
const SECONDS = { unit: "s", better: "less" } as const;
const RATIO = { unit: "ratio", better: "less" } as const;
/** Of this program's preview to that of the empty one. */
const PREVIEW_GOAL = 1.3;
/** Seconds. */
const LOAD_GOAL = 0.5;
const CHANGE_GOAL = 2;
/** Proxies in one program; the differences between neighbours are compared. */
const PROXIES = [1, 5, 20];
const FEW_PROXIES = [1, 2, 3];
/** How much more each further proxy may take among many than among few, to be called linear. */
const GROWTH_GOAL = 1.2;

export const preview: Part = {
    name: "preview",
    what: "what a user waits for: `pulumi preview`, loading the program, growth, and one changed line of nginx",
    minutes: { full: 5, quick: 0.7 },
    measure,
};

/** Runs take turns over the subjects, so that other load affects all of them alike. */
async function measure(context: Context): Promise<Measure[]> {
    const measures = new Measures();
    const own = await context.lab();
    const scratch = mkdtempSync(join(tmpdir(), "linkmesh-bench-"));
    context.onCleanup(() => Promise.resolve(rmSync(scratch, { recursive: true, force: true })));
    const providers = await startProviders({ lab: own, reconciler: new Reconciler(own), packages: standInPackages() });
    context.onCleanup(() => providers.stop());
    const { debugProviders } = providers;
    const plain = await PlainPreviews.create({ cli: context.cli, lab: own, debugProviders, scratch });
    const stack = new LabStack(own, { command: context.cli.command, debugProviders });
    await measureWhole(context, measures, plain, stack);
    await measureLoading(context, measures, scratch);
    await measureGrowth(context, measures, plain);
    await measureEngine(context, measures, stack);
    await measureChange(context, measures, stack, own);
    for (const run of turns(context, 5)) {
        if (run === 0) continue;
        context.progress(`whole process of the lab, run ${run}`);
        measures.add(THIS_PROGRAM, "whole process `lab preview`", await timed(() => lab(["preview"])), SECONDS);
        measures.add(THIS_PROGRAM, "whole process `lab up`", await timed(() => lab(["up"])), SECONDS);
    }
    return measures.list();
}

/** Numbers of the runs; in a full benchmark after a turn 0 that fills caches. */
function* turns(context: Context, full: number): Generator<number> {
    for (let run = context.quick ? 1 : 0; run <= runsOf(context, full); run++) {
        stopIfInterrupted();
        yield run;
    }
}

async function measureWhole(
    context: Context,
    measures: Measures,
    plain: PlainPreviews,
    stack: LabStack,
): Promise<void> {
    const empty = await plain.stackOf("empty", IMPORT_SDKS);
    for (const run of turns(context, 10)) {
        context.progress(`pulumi preview, run ${run}`);
        const floor = await plain.time(empty);
        const whole = await plain.time(stack);
        if (run === 0) continue;
        addPair(measures, "`pulumi preview`", whole, floor);
        measures.add(THIS_PROGRAM, "`pulumi preview`, this program : empty program", whole.clock / floor.clock, {
            ...RATIO,
            goal: PREVIEW_GOAL,
        });
    }
}

function addPair(measures: Measures, name: string, whole: Duration, floor: Duration): void {
    for (const [kind, suffix] of [
        ["clock", ""],
        ["processor", ", processor time"],
    ] as const) {
        measures.add(THIS_PROGRAM, name + suffix, whole[kind], SECONDS);
        measures.add(EMPTY, name + suffix, floor[kind], SECONDS);
    }
}

/** Loading what the program consists of, in a process that has loaded the SDKs. */
async function measureLoading(context: Context, measures: Measures, scratch: string): Promise<void> {
    const program = join(CHECKOUT, "components/index.ts");
    const cache = cacheOf(program);
    context.onCleanup(() => Promise.resolve(rmSync(cache, { recursive: true, force: true })));
    const file = join(scratch, "load.mjs");
    writeFileSync(
        file,
        `${IMPORT_SDKS}const begun = performance.now();
process.setSourceMapsEnabled(true);
const { bundleOf } = await import(${JSON.stringify(join(CHECKOUT, "bundle.js"))});
await import(await bundleOf(${JSON.stringify(program)}));
console.log((performance.now() - begun) / 1000);
`,
    );
    for (const run of turns(context, 10)) {
        context.progress(`loading, run ${run}`);
        const { stdout } = await execa(process.execPath, [file], { cwd: CHECKOUT });
        const rest = { ...SECONDS, goal: LOAD_GOAL };
        if (run > 0) measures.add(THIS_PROGRAM, "loading the program, beyond the SDKs", Number(stdout), rest);
    }
}

/** The first preview of a program with several proxies. */
async function measureGrowth(context: Context, measures: Measures, plain: PlainPreviews): Promise<void> {
    const source = `${IMPORT_SDKS}const { bundleOf } = await import(${JSON.stringify(join(CHECKOUT, "bundle.js"))});
const url = await bundleOf(${JSON.stringify(join(CHECKOUT, "components/index.ts"))});
const { LinkMeshProxy, loadSettings, lookUp } = await import(url);
const common = loadSettings();
for (let n = 1; n <= Number(process.env.PROXIES); n++) {
    const settings = { ...common, domain: \`fleet\${n}.\${common.domain}\` };
    new LinkMeshProxy(\`fleet\${n}\`, { settings, lookups: await lookUp(\`fleet\${n}\`, settings) });
}
`;
    const many = await plain.stackOf("many", source);
    const counts = context.quick ? FEW_PROXIES : PROXIES;
    for (const run of turns(context, 3)) {
        const seconds: Duration[] = [];
        for (const count of counts) {
            stopIfInterrupted();
            context.progress(`${count} in one program, run ${run}`);
            seconds.push(await plain.time(many, { PROXIES: String(count) }));
            // The first turn fills caches, for which one is enough.
            if (run === 0) break;
        }
        if (run === 0) continue;
        const slopes = counts.slice(1).map((count, i) => {
            const [before, after] = [seconds[i]!, seconds[i + 1]!];
            return (after.processor - before.processor) / (count - counts[i]!);
        });
        for (const [i, { clock, processor }] of seconds.entries()) {
            const name = `first preview, ${counts[i]} in one program`;
            measures.add(THIS_PROGRAM, name, clock, SECONDS);
            measures.add(THIS_PROGRAM, `${name}, processor time`, processor, SECONDS);
        }
        const [few, more, most] = counts;
        const name = `processor time of each further one, ${more} to ${most} : ${few} to ${more}`;
        measures.add(THIS_PROGRAM, name, slopes[1]! / slopes[0]!, { ...RATIO, goal: GROWTH_GOAL });
    }
}

/** In this process, which has loaded everything: what the engine and the program's run take. */
async function measureEngine(context: Context, measures: Measures, stack: LabStack): Promise<void> {
    for (const run of turns(context, 10)) {
        context.progress(`the engine, run ${run}`);
        const preview = await timed(() => changes((o) => stack.preview(o), 0));
        const up = await timed(() => changes((o) => stack.up(o), 0));
        if (run === 0) continue;
        measures.add(THIS_PROGRAM, "preview without change, all loaded", preview, SECONDS);
        measures.add(THIS_PROGRAM, "`up` without change, all loaded", up, SECONDS);
    }
}

/** `up` with another limit of sessions, which is one line of nginx. */
async function measureChange(context: Context, measures: Measures, stack: LabStack, own: Lab): Promise<void> {
    const key = `${stack.workspace.project}:sessionsPerAddress`;
    const configuration = stack.configuration;
    const restore = stack.configure(configuration);
    try {
        for (const run of turns(context, 5)) {
            context.progress(`one changed line, run ${run}`);
            const unchanged = await timed(() => changes((o) => stack.preview(o), 0));
            stack.configure({ ...configuration, [key]: 20_000 + run });
            const logins = await loginsOf(own);
            const up = await timed(() => changes((o) => stack.up(o), 1));
            if (run === 0) continue;
            const rest = { ...SECONDS, goal: CHANGE_GOAL };
            measures.add(THIS_PROGRAM, "`up` with one changed line of nginx, beyond a preview", up - unchanged, rest);
            const connections = (await loginsOf(own)) - logins;
            measures.add(THIS_PROGRAM, "SSH connections for it", connections, { unit: "", better: "less", goal: 1 });
        }
    } finally {
        restore();
        await stack.up();
    }
}

async function loginsOf(own: Lab): Promise<number> {
    const state = await new CloudStore(own, new Reconciler(own)).read();
    const command = "journalctl --quiet --unit ssh | grep --count 'Accepted publickey'";
    return Number((await enterMachine(own, programInstance(state)!.id, ["bash", "-c", command])).stdout);
}

/** @throws LabError if the operation changes another number of resources */
async function changes(operation: (options: OperationOptions) => Promise<EngineResult>, count: number): Promise<void> {
    let found: Record<string, number> = {};
    const onEvent = (event: EngineEvent) => {
        found = (event.summaryEvent?.resourceChanges as Record<string, number> | undefined) ?? found;
    };
    await operation({ onEvent });
    const others = Object.entries(found).filter(([op]) => op !== "same");
    if (others.reduce((sum, [, number]) => sum + number, 0) === count) return;
    const list = others.map(([op, number]) => `${number} to ${op}`).join(", ") || "nothing";
    throw new LabError(
        `${count} resources should change, and it was ${list}: do not change the checkout while the benchmark runs, and run it again`,
    );
}
