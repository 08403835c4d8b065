import { setTimeout as sleep } from "node:timers/promises";
import { packetsDropped } from "../machine.ts";
import { Agents, type AgentsReport } from "../rig/clients.ts";
import type { Target } from "../rig/subject.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";

const GOAL_KIB = 40;

export interface Sizes {
    sessions: number;
    /** Sessions opened each second. */
    rate: number;
    heartbeatSeconds: number;
    /** How long heartbeats are counted. */
    windowSeconds: number;
}

/** For the ratios: what a rival with one process can hold. */
const SOME: Sizes = { sessions: 8_000, rate: 500, heartbeatSeconds: 5, windowSeconds: 8 };
/** Once for each subject without a limit of its own. Slower, because clients, proxy and backend share two processors here. */
const MANY: Sizes = { sessions: 50_000, rate: 400, heartbeatSeconds: 30, windowSeconds: 15 };
const QUICK: Sizes = { sessions: 300, rate: 500, heartbeatSeconds: 2, windowSeconds: 3 };

export const sessions: Part = {
    name: "sessions",
    what: "OpAMP sessions held: memory and processor time of the proxy",
    minutes: { full: 18, quick: 0.7 },
    measure,
};

async function measure(context: Context): Promise<Measure[]> {
    const rig = await context.rig();
    const measures = new Measures();
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        // Each second run comes from one address, as a fleet behind a NAT does.
        const addresses = run % 2 === 0 ? 1 : 256;
        for (const subject of rig.subjects) {
            context.progress(`run ${run} of ${runs}: ${subject.name}`);
            await hold(context, rig.opamp, subject, addresses, context.quick ? QUICK : SOME, measures);
        }
    }
    for (const subject of context.quick ? [] : rig.only(THIS_PROGRAM, "HAProxy", "Caddy")) {
        context.progress(`${MANY.sessions} sessions: ${subject.name}`);
        await hold(context, rig.opamp, subject, 256, MANY, measures);
    }
    context.note(
        "Memory is Pss of all processes of the proxy, above that of a fresh start, divided by the sessions open. " +
            "Buffers of the kernel are not in it. Every second run is from one source address, the others from 256.",
    );
    return measures.list();
}

interface Held {
    report: AgentsReport;
    /** How many processes the proxy has. */
    processes: number;
    packetsDropped: number;
    kibPerSession: number;
    /** Seconds of a processor for 1,000 heartbeats and their answers. */
    proxySeconds: number;
    clientSeconds: number;
}

/** Opens sessions, and measures what holding them takes. The subject is stopped afterwards. */
export async function hold(
    context: Context,
    opamp: string,
    subject: Target,
    addresses: number,
    { sessions: count, rate, heartbeatSeconds, windowSeconds }: Sizes,
    measures: Measures,
): Promise<void> {
    await subject.restart(count);
    const wait = (seconds: number) => sleep(seconds * 1000, undefined, { signal: context.signal });
    const [fresh, dropped] = [subject.usage(), packetsDropped()];
    const agents = new Agents(opamp, subject, { count, rate, addresses, heartbeatSeconds, once: true });
    try {
        await allTried(agents, count, wait);
        // Until each has sent a heartbeat.
        await wait(heartbeatSeconds + 1);
        const [before, used] = [await agents.report(), subject.usage()];
        await wait(windowSeconds);
        const [report, usage] = [await agents.report(), subject.usage()];
        const thousands = (report.messages - before.messages) / 1000;
        const held: Held = {
            report,
            processes: usage.processes,
            packetsDropped: packetsDropped() - dropped,
            kibPerSession: (usage.pssKb - fresh.pssKb) / report.open,
            proxySeconds: (usage.cpuSeconds - used.cpuSeconds) / thousands,
            clientSeconds: (report.cpuSeconds - before.cpuSeconds) / thousands,
        };
        record(context, measures, subject, held, count);
    } finally {
        await agents.stop();
        await subject.stop();
    }
}

/** Until all are open or refused, or nothing has changed for 5 seconds. */
async function allTried(agents: Agents, count: number, wait: (seconds: number) => Promise<unknown>): Promise<void> {
    let last = "";
    for (let still = 0; still < 5;) {
        await wait(1);
        const { started, opened, failures } = await agents.report();
        if (opened === count) return;
        const state = JSON.stringify([started, opened, failures]);
        still = state === last ? still + 1 : 0;
        last = state;
    }
}

function record(context: Context, measures: Measures, { name }: Target, held: Held, count: number): void {
    const { report, processes, packetsDropped, kibPerSession, proxySeconds, clientSeconds } = held;
    const of = count.toLocaleString("en");
    const add = (what: string, value: number, rest: Partial<Measure>) => {
        // Without sessions there is no memory per session.
        if (Number.isFinite(value)) measures.add(name, what, value, { unit: "", better: "less", ...rest });
    };
    const failures = Object.entries(report.failures);
    const errors = failures.reduce((sum, [, one]) => sum + one, report.dropped);
    const goal = (value: number) => (name === THIS_PROGRAM ? value : undefined);
    add(`sessions held of ${of}`, report.open, { better: "more", goal: goal(count) });
    add(`errors, ${of} sessions`, errors, { goal: goal(0) });
    add(`memory per session, ${of} sessions`, kibPerSession, { unit: "KiB", goal: goal(GOAL_KIB) });
    add(`CPU of the proxy per 1,000 heartbeats, ${of} sessions`, proxySeconds, { unit: "s" });
    add(`CPU of the clients per 1,000 heartbeats, ${of} sessions`, clientSeconds, { unit: "s", aside: true });
    const list = failures.map(([kind, number]) => `${number} × ${kind}`).join(", ");
    if (errors > 0) context.note(`${name}, ${of} sessions: ${list || "no refusals"}; ${report.dropped} dropped.`);
    if (packetsDropped > 0) {
        context.note(
            `${name}, ${of} sessions: the kernel dropped ${packetsDropped} packets, because the processors were busy with other work.`,
        );
    }
    if (count > 9000) context.note(`${name}, ${of} sessions: ${processes} processes.`);
}
