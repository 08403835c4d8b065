import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../../lab/lab.ts";
import { Agents, Browsers } from "../rig/clients.ts";
import type { Rig } from "../rig/rig.ts";
import type { Subject } from "../rig/subject.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";

const RATE = 500;
const PATIENCE_SECONDS = 60;
/** The guide's nginx has room for 762. */
const GUIDE_SESSIONS = 500;
/** In a fleet whose agents restart now and then, sessions are spread over all generations of workers. */
const FURTHER_RELOADS = 3;
const FURTHER_SESSIONS = 20;

const EVENTS = {
    "certificate renewed": (subject: Subject) => subject.renew(),
    "setting changed": (subject: Subject) => subject.change(),
};

export const changes: Part = {
    name: "changes",
    what: "the certificate is renewed and a setting changed while sessions are open, and what the reloads leave behind",
    minutes: { full: 8, quick: 0.3 },
    measure,
};

async function measure(context: Context): Promise<Measure[]> {
    const rig = await context.rig();
    const measures = new Measures();
    const most = context.quick ? 300 : 10_000;
    const subjects = rig.only(THIS_PROGRAM, "Caddy", ...(context.quick ? [] : ["guide", "HAProxy"]));
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        for (const subject of subjects) {
            context.progress(`run ${run} of ${runs}: ${subject.name}`);
            const count = subject.name === "guide" ? Math.min(most, GUIDE_SESSIONS) : most;
            const fleets = new Fleets(context, rig, subject);
            const browsers = new Browsers(rig.opamp, subject);
            try {
                await change(context, measures, { subject, count, fleets, browsers });
            } finally {
                await fleets.stop();
                await browsers.stop();
                await subject.stop();
            }
        }
    }
    context.note(
        `${most.toLocaleString("en")} sessions are open, ${Math.min(most, GUIDE_SESSIONS)} with the guide, whose nginx has room for 762. ` +
            "Ten browsers ask for a page each 100 ms, each time with a new handshake; a request failed if its answer is not 200. " +
            "The certificate is put on the disk for all of them. The guide's own renewal fails, because nginx holds port 80.",
    );
    context.note(
        `After both come ${FURTHER_RELOADS} reloads with ${FURTHER_SESSIONS} new sessions before each. Memory is Pss of all processes of the proxy.`,
    );
    return measures.list();
}

/** Agents that stay until all are stopped. */
class Fleets {
    readonly #all: Agents[] = [];

    constructor(
        private readonly context: Context,
        private readonly rig: Rig,
        private readonly subject: Subject,
    ) {}

    /** Returns when so many further sessions are open. */
    async open(count: number): Promise<Agents> {
        const options = { count, rate: RATE, addresses: 256, heartbeatSeconds: 10 };
        const agents = new Agents(this.rig.opamp, this.subject, options);
        this.#all.push(agents);
        if (await agents.areOpen(count, PATIENCE_SECONDS, this.context.signal)) return agents;
        throw new LabError(`${this.subject.name} does not open ${count} sessions in ${PATIENCE_SECONDS} seconds`);
    }

    async stop(): Promise<void> {
        await Promise.all(this.#all.map((agents) => agents.stop()));
    }
}

interface Running {
    subject: Subject;
    count: number;
    fleets: Fleets;
    browsers: Browsers;
}

async function change(context: Context, measures: Measures, running: Running): Promise<void> {
    const { subject, count, fleets, browsers } = running;
    const settle = () => sleep(context.quick ? 500 : 2000, undefined, { signal: context.signal });
    const goal = subject.name === THIS_PROGRAM ? 0 : undefined;
    const add = (name: string, value: number, rest: Partial<Measure> = {}) =>
        measures.add(subject.name, name, value, { unit: "", better: "less", ...rest });

    await subject.restart(count);
    const fresh = subject.usage();
    const agents = await fleets.open(count);
    for (const [event, cause] of Object.entries(EVENTS)) {
        await browsers.report();
        const before = await agents.report();
        await cause(subject);
        await settle();
        const [after, { answers }] = [await agents.report(), await browsers.report()];
        const failed = Object.entries(answers).filter(([kind]) => kind !== "200");
        const number = failed.reduce((sum, [, one]) => sum + one, 0);
        add(`${event}: sessions dropped`, after.dropped - before.dropped, { goal });
        add(`${event}: requests failed`, number, { goal });
        const kinds = failed.map(([kind, one]) => `${one} × ${kind}`).join(", ");
        if (number > 0) context.note(`${subject.name}, ${event}: ${kinds}.`);
    }
    const once = subject.usage();
    for (let number = 0; number < FURTHER_RELOADS; number++) {
        await fleets.open(FURTHER_SESSIONS);
        await subject.reload();
        await settle();
    }
    const more = subject.usage();
    const [processes, kb] = [more.processes - once.processes, more.pssKb - once.pssKb];
    add("old processes after both", once.processes - fresh.processes);
    add("old processes of each further reload", processes / FURTHER_RELOADS);
    add("memory of each further reload", kb / 1024 / FURTHER_RELOADS, { unit: "MiB" });
    await fleets.stop();
    await settle();
    add("old processes when all sessions have ended", subject.usage().processes - fresh.processes, { goal });
}
