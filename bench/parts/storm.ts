import { setTimeout as sleep } from "node:timers/promises";
import { Agents, type AgentsReport, Browsers } from "../rig/clients.ts";
import { Peak } from "../rig/peak.ts";
import type { Rig } from "../rig/rig.ts";
import type { Subject } from "../rig/subject.ts";
import { type Measure, Measures, THIS_PROGRAM } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";

const RATE = 500;
/** The last agents come after Retry-After or opamp-go's longest backoff, which is a minute and a half with its jitter. */
const PATIENCE_SECONDS = 150;
/** How long LinkMesh is away when it restarts. */
const RESTART_SECONDS = 2;

const EVENTS = {
    "configuration reloaded": (subject: Subject) => subject.reload(),
    "LinkMesh restarted": (subject: Subject) => subject.restartBackend(RESTART_SECONDS),
    "machine restarted": (subject: Subject) => subject.reboot(),
};

export const storm: Part = {
    name: "storm",
    what: "all sessions at once reconnect after a restart of LinkMesh, of the proxy's configuration and of the machine",
    minutes: { full: 11, quick: 0.8 },
    measure,
};

async function measure(context: Context): Promise<Measure[]> {
    const rig = await context.rig();
    const measures = new Measures();
    const count = context.quick ? 500 : 10_000;
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        // The rivals once, because each takes two minutes.
        const subjects = rig.only(THIS_PROGRAM, ...(run === 1 && !context.quick ? ["HAProxy", "Caddy"] : []));
        for (const subject of subjects) {
            await storms(context, rig, subject, count, measures, (text) =>
                context.progress(`run ${run} of ${runs}: ${subject.name}: ${text}`),
            );
        }
    }
    context.note(
        "Agents are opamp-go's clients: they reconnect at once, then with exponential backoff and jitter from 0.5 s, and honour Retry-After. " +
            "The machine is powered off and boots again with the same address, in place of a replacement, of which " +
            "`npm run bench -- --only downtime` measures the downtime. Ten browsers ask for a page each 100 ms, each time with a new handshake.",
    );
    return measures.list();
}

async function storms(
    context: Context,
    rig: Rig,
    subject: Subject,
    count: number,
    measures: Measures,
    progress: (text: string) => void,
): Promise<void> {
    const { signal, quick } = context;
    const wait = (seconds: number) => sleep(seconds * 1000, undefined, { signal });
    await subject.restart(count);
    const agents = new Agents(rig.opamp, subject, { count, rate: RATE, addresses: 256, heartbeatSeconds: 30 });
    const browsers = new Browsers(rig.opamp, subject);
    try {
        progress(`opening ${count} sessions`);
        if (!(await agents.areOpen(count, PATIENCE_SECONDS, signal))) {
            context.note(
                `${subject.name}: ${count} sessions did not open: ${describe((await agents.report()).failures)}.`,
            );
            return;
        }
        for (const [event, cause] of Object.entries(EVENTS)) {
            // Boots take too long for a quick run.
            if (quick && cause === EVENTS["machine restarted"]) continue;
            progress(event);
            await wait(quick ? 1 : 5);
            await browsers.report();
            const before = await agents.report();
            const peak = new Peak(subject);
            const start = performance.now();
            await cause(subject);
            // A session that the event cuts may not have been noticed yet.
            await wait(1);
            const back = await agents.areOpen(count, PATIENCE_SECONDS, signal);
            const seconds = (performance.now() - start) / 1000;
            const [after, ui] = [await agents.report(), await browsers.report()];
            const used = peak.stop();
            const add = (what: string, value: number, rest: Partial<Measure> = {}) =>
                measures.add(subject.name, `${event}: ${what}`, value, { unit: "", better: "less", ...rest });
            const cut = after.dropped - before.dropped;
            const failures = difference(after, before);
            add("sessions cut", cut);
            add("until all are back", cut === 0 ? 0 : seconds, { unit: "s" });
            add("wrong answers", wrong(failures) + wrong(ui.answers, ["200"]), {
                goal: subject.name === THIS_PROGRAM ? 0 : undefined,
            });
            add("p99 of the UI", ui.p99, { unit: "s" });
            add("peak memory of the proxy", used.pssKb / 1024, { unit: "MiB" });
            add("CPU of the proxy until all are back", used.cpuSeconds, { unit: "s" });
            add("CPU of the clients until all are back", after.cpuSeconds - before.cpuSeconds, {
                unit: "s",
                aside: true,
            });
            context.note(
                `${subject.name}, ${event}: ` +
                    `agents: ${describe(failures)}; browsers: ${describe(ui.answers)}` +
                    (back ? "." : `; after ${PATIENCE_SECONDS} s only ${after.open} of ${count} sessions are open.`),
            );
        }
    } finally {
        await agents.stop();
        await browsers.stop();
        await subject.stop();
    }
}

function difference(after: AgentsReport, before: AgentsReport): Record<string, number> {
    const more = Object.entries(after.failures).map(
        ([kind, count]) => [kind, count - (before.failures[kind] ?? 0)] as const,
    );
    return Object.fromEntries(more.filter(([, count]) => count > 0));
}

/** Answers that say neither yes nor when to come again. A connection without an answer is none. */
function wrong(answers: Readonly<Record<string, number>>, right: readonly string[] = []): number {
    return Object.entries(answers)
        .filter(
            ([kind]) => /^\d{3}( |$)/.test(kind) && !right.includes(kind) && !/^(503|429) with Retry-After$/.test(kind),
        )
        .reduce((sum, [, count]) => sum + count, 0);
}

function describe(counts: Readonly<Record<string, number>>): string {
    const list = Object.entries(counts).map(([kind, count]) => `${count} × ${kind}`);
    return list.join(", ") || "none refused";
}
