import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostOf, requireOutputs } from "../../lab/commands/endpoints.ts";
import { readOutputs } from "../../lab/commands/session.ts";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { ensureOwnImage } from "../../lab/machines/image/image.ts";
import type { Lab } from "../../lab/lab.ts";
import { lab } from "../lab.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";
import { PROBES } from "../probes.ts";
import { SilenceWatch } from "../silence.ts";

/** Seconds. */
const REPLACEMENT_GOAL = 20;

export const downtime: Part = {
    name: "downtime",
    what: "how long https, OpAMP and gRPC are silent, in both address families",
    minutes: { full: 6, quick: 1 },
    measure,
};

interface Event {
    name: string;
    subject: string;
    goal?: number;
    args: (run: number) => Promise<string[]>;
    /** What the next event needs, while nobody watches. */
    after?: string[];
}

async function measure(context: Context): Promise<Measure[]> {
    const measures = new Measures();
    const benchLab = await context.lab();
    if (!context.quick) {
        // The lab would build it between the old machine and the new one.
        await ensureOwnImage(benchLab.cacheDir, context.progress);
        await lab(["up", "--set", "dailySnapshots=1"]);
    }
    const folder = mkdtempSync(join(tmpdir(), "linkmesh-bench-"));
    context.onCleanup(() => Promise.resolve(rmSync(folder, { recursive: true })));
    const events = eventsIn(folder).slice(0, context.quick ? 1 : undefined);
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        for (const event of events) {
            context.progress(`run ${run} of ${runs}: ${event.name}, ${event.subject}`);
            const silences = await silencesDuring(benchLab, ["up", ...(await event.args(run))]);
            for (const [endpoint, seconds] of silences) {
                const rest = { unit: "s", better: "less", goal: event.goal } as const;
                measures.add(event.subject, `${event.name}: ${endpoint}`, seconds, rest);
            }
            if (event.after) await lab(event.after);
        }
    }
    return measures.list();
}

function eventsIn(folder: string): Event[] {
    const replace = ["--replace", "linkmesh-machine-instance"];
    return [
        {
            ...{ name: "the machine is replaced", subject: THIS_PROGRAM, goal: REPLACEMENT_GOAL },
            args: () => Promise.resolve(replace),
        },
        {
            ...{ name: "the machine is replaced", subject: "own image", goal: REPLACEMENT_GOAL },
            args: () => Promise.resolve(["--set", "imageId=ami-0debian13ownamd64"]),
            after: ["up", "--set", "imageId="],
        },
        {
            ...{ name: "LinkMesh is upgraded", subject: THIS_PROGRAM },
            args: async (run) => {
                const { file } = await buildPackage({ outDir: folder, version: `1.102.${run}~standin` });
                return ["--package", file];
            },
            after: ["snapshot"],
        },
        {
            ...{ name: "the newest snapshot is restored", subject: THIS_PROGRAM },
            args: () => Promise.resolve(["--set", "restoreFrom=latest", "--replace", "linkmesh-machine-data"]),
            after: ["up", "--set", "restoreFrom="],
        },
    ];
}

/** Seconds without an answer at each endpoint while the lab command runs. */
async function silencesDuring(benchLab: Lab, command: string[]): Promise<[endpoint: string, seconds: number][]> {
    const outputs = requireOutputs(readOutputs(benchLab));
    const families = { IPv4: outputs.ipv4, IPv6: outputs.ipv6 };
    const watches = Object.entries(PROBES).flatMap(([endpoint, answers]) =>
        Object.entries(families).flatMap(([family, address]) =>
            address === undefined
                ? []
                : [
                      {
                          name: `${endpoint}, ${family}`,
                          watch: new SilenceWatch(() => answers(address, hostOf(outputs))),
                      },
                  ],
        ),
    );
    const silences: [string, number][] = [];
    try {
        await lab(command);
    } finally {
        for (const { name, watch } of watches) silences.push([name, await watch.stop()]);
    }
    return silences;
}
