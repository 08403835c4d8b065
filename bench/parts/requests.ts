import { setTimeout as sleep } from "node:timers/promises";
import { type AnswersReport, Listeners, Load, Transfer } from "../rig/clients.ts";
import { Peak } from "../rig/peak.ts";
import type { Rig } from "../rig/rig.ts";
import type { Subject } from "../rig/subject.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";

const DIRECT = "direct";
const EVENTS_GOAL_MS = 5;
/** Of a transfer. Bounded means that it does not grow with the size. */
const MEMORY_GOAL_MIB = 16;
const DISK_GOAL_MIB = 1;
/** A second, which needs less than half of a processor of the clients. */
const HANDSHAKES = 400;
const REQUESTS = 1500;
const MIB = 2 ** 20;
/** So many that each is 64 MiB, the largest that this program takes. */
const UPLOADS = 16;
/** Of the answers, while all sessions ought to be resumed. */
const RESUMED = 0.99;

export const requests: Part = {
    name: "requests",
    what: "handshakes, requests, gRPC calls, live events and large transfers: what a proxy adds and uses",
    minutes: { full: 6, quick: 0.6 },
    measure,
};

/** What is asked at a fixed rate. */
interface Question {
    name: string;
    kind: "handshake" | "https" | "grpc";
    rate: number;
    resume?: boolean;
}

const QUESTIONS: Question[] = [
    { name: "new TLS sessions", kind: "handshake", rate: HANDSHAKES },
    { name: "resumed TLS sessions", kind: "handshake", rate: HANDSHAKES, resume: true },
    { name: "https requests", kind: "https", rate: REQUESTS },
    { name: "gRPC calls", kind: "grpc", rate: REQUESTS },
];

type Add = (what: string, value: number, rest: Partial<Measure>) => void;

async function measure(context: Context): Promise<Measure[]> {
    const rig = await context.rig();
    const measures = new Measures();
    // First, because the others are measured by what they add to it.
    const others = context.quick ? rig.only(THIS_PROGRAM, "HAProxy") : rig.subjects;
    const subjects = [...rig.only(DIRECT), ...others.filter(({ name }) => name !== DIRECT)];
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        const floor = new Map<string, AnswersReport>();
        for (const subject of subjects) {
            const progress = (text: string) => context.progress(`run ${run} of ${runs}: ${subject.name}: ${text}`);
            const add: Add = (what, value, { goal, ...rest }) =>
                measures.add(subject.name, what, value, {
                    ...{ unit: "", better: "less", ...rest },
                    goal: subject.name === THIS_PROGRAM ? goal : undefined,
                });
            await subject.restart(1000);
            try {
                for (const question of QUESTIONS) {
                    if (question.kind === "grpc" && !subject.rival.grpc) continue;
                    progress(question.name);
                    await ask(context, rig, subject, question, floor, add);
                }
                progress("live events");
                await listen(context, rig, subject, add);
                // Each from a fresh process: what others have left would not count as this transfer's memory.
                for (const direction of ["download", "upload"] as const) {
                    progress(direction);
                    await subject.restart(1000);
                    await transfer(context, rig, subject, direction, add);
                }
            } finally {
                await subject.stop();
            }
        }
    }
    context.note(
        `Asked at a fixed rate, on 20 connections: ${HANDSHAKES} handshakes or ${REQUESTS} requests a second. A late answer counts from when its question was due. ` +
            "What the proxy adds is its time minus that of the same run without a proxy.",
    );
    context.note(
        `A transfer is of ${mebibytes(transferred(context))} MiB. An upload is ${UPLOADS} requests, because this program takes at most 64 MiB in one.`,
    );
    return inTheUsualOrder(measures.list(), rig);
}

async function ask(
    context: Context,
    rig: Rig,
    subject: Subject,
    { name, kind, rate, resume }: Question,
    floor: Map<string, AnswersReport>,
    add: Add,
): Promise<void> {
    const load = new Load(rig.opamp, subject, kind, rate, resume);
    try {
        await wait(context, 0.5);
        const [before, used] = [await load.report(), subject.usage()];
        await wait(context, context.quick ? 1 : 3);
        const [report, usage] = [await load.report(), subject.usage()];
        const good = (report.answers["200"] ?? 0) + (report.answers["resumed"] ?? 0);
        const cpuSeconds = report.cpuSeconds - before.cpuSeconds;
        tell(context, subject, name, report);
        const resumed = (report.answers["resumed"] ?? 0) / good;
        if (resume && resumed < RESUMED) {
            const share = resumed === 0 ? "no TLS session" : `only ${Math.round(resumed * 100)} % of the TLS sessions`;
            context.note(`${subject.name} resumes ${share}.`);
            return;
        }
        if (subject.name === DIRECT) floor.set(name, report);
        else {
            const proxySeconds = usage.cpuSeconds - used.cpuSeconds;
            if (proxySeconds > 0) {
                add(`${name} per second of the proxy's CPU`, good / proxySeconds, { better: "more" });
            }
            const direct = floor.get(name);
            if (direct && kind !== "handshake") {
                add(`${name}: added p50`, (report.p50 - direct.p50) * 1000, { unit: "ms" });
                add(`${name}: added p99`, (report.p99 - direct.p99) * 1000, { unit: "ms" });
            }
        }
        add(`${name} per second of the clients' CPU`, good / cpuSeconds, { better: "more", aside: true });
    } finally {
        await load.stop();
    }
}

async function listen(context: Context, rig: Rig, subject: Subject, add: Add): Promise<void> {
    const listeners = new Listeners(rig.opamp, subject);
    try {
        await wait(context, 1);
        await listeners.report();
        await wait(context, context.quick ? 1 : 4);
        const report = await listeners.report();
        tell(context, subject, "live events", report);
        if (report.answers["200"])
            add("live events: worst delay", report.max * 1000, { unit: "ms", goal: EVENTS_GOAL_MS });
        else context.note(`${subject.name}: no live event arrived in time.`);
    } finally {
        await listeners.stop();
    }
}

async function transfer(
    context: Context,
    rig: Rig,
    subject: Subject,
    direction: "download" | "upload",
    add: Add,
): Promise<void> {
    const upload = direction === "upload";
    const parts = upload ? UPLOADS : 1;
    const bytes = transferred(context) / parts;
    const before = subject.usage();
    const peak = new Peak(subject);
    const client = new Transfer(rig.opamp, subject, bytes, parts, upload);
    try {
        const { seconds, failure, cpuSeconds } = await client.report();
        const used = peak.stop();
        if (failure !== "") {
            context.note(`${subject.name}: the ${direction} failed: ${failure}.`);
            return;
        }
        add(`${direction}: speed`, mebibytes(transferred(context)) / seconds, { unit: "MiB/s", better: "more" });
        if (subject.name !== DIRECT) {
            add(`${direction}: memory more than before`, (used.pssKb - before.pssKb) / 1024, {
                unit: "MiB",
                goal: MEMORY_GOAL_MIB,
            });
            add(`${direction}: written to disk`, used.writtenKb / 1024, { unit: "MiB", goal: DISK_GOAL_MIB });
            add(`${direction}: CPU of the proxy`, used.cpuSeconds, { unit: "s" });
        }
        add(`${direction}: CPU of the client`, cpuSeconds, { unit: "s", aside: true });
    } finally {
        peak.stop();
        await client.stop();
    }
}

const transferred = ({ quick }: Context) => (quick ? 64 : 1024) * MIB;
const mebibytes = (bytes: number) => bytes / MIB;

const wait = ({ signal }: Context, seconds: number) => sleep(seconds * 1000, undefined, { signal });

/** Answers that are none are told. */
function tell(context: Context, { name }: Subject, what: string, { answers }: AnswersReport): void {
    const wrong = Object.entries(answers).filter(([answer]) => answer !== "200" && answer !== "resumed");
    if (wrong.length === 0) return;
    context.note(`${name}, ${what}: ${wrong.map(([answer, count]) => `${count} × ${answer}`).join(", ")}.`);
}

/** As the other tables, and not in the order of the measurement. */
function inTheUsualOrder(measures: readonly Measure[], { subjects }: Rig): Measure[] {
    const names = measures.filter(({ subject }) => subject === THIS_PROGRAM).map(({ name }) => name);
    const places = subjects.map(({ name }) => name);
    const key = ({ name, subject }: Measure) => names.indexOf(name) * places.length + places.indexOf(subject);
    return [...measures].sort((a, b) => key(a) - key(b));
}
