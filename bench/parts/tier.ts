import { setTimeout as sleep } from "node:timers/promises";
import { Browsers } from "../rig/clients.ts";
import type { Target } from "../rig/subject.ts";
import { type Measure, Measures } from "../measure.ts";
import { type Context, type Part, runsOf } from "../part.ts";
import { type Sizes, hold } from "./sessions.ts";

const SIZES: Sizes = { sessions: 3000, rate: 400, heartbeatSeconds: 5, windowSeconds: 8 };
const QUICK: Sizes = { sessions: 100, rate: 500, heartbeatSeconds: 1, windowSeconds: 1 };

export const tier: Part = {
    name: "tier",
    what: "several machines behind a load balancer: what the same sessions and handshakes take of all nodes together",
    minutes: { full: 6, quick: 0.3 },
    measure,
};

async function measure(context: Context): Promise<Measure[]> {
    const rig = await context.rig();
    const counts = context.quick ? [2] : [1, 2, 3];
    const tier = await rig.tier(Math.max(...counts), context.progress);
    const measures = new Measures();
    const runs = runsOf(context, 3);
    for (let run = 1; run <= runs; run++) {
        for (const nodes of counts) {
            const target = tier.of(nodes);
            context.progress(`run ${run} of ${runs}: ${target.name}: sessions`);
            await hold(context, rig.opamp, target, 256, context.quick ? QUICK : SIZES, measures);
            context.progress(`run ${run} of ${runs}: ${target.name}: handshakes`);
            await shakeHands(context, rig.opamp, target, measures);
        }
    }
    context.note(
        "The proxy is nginx on all nodes together, without the load balancer, for which HAProxy stands here: AWS runs its own. " +
            "The nodes share the processors of one machine, so the figures say how much work it is, and not how fast it goes.",
    );
    return measures.list();
}

/** A page on each connection, because the load balancer gives up one with a node if the client has left already. */
async function shakeHands(context: Context, opamp: string, target: Target, measures: Measures): Promise<void> {
    await target.restart(1000);
    const browsers = new Browsers(opamp, target);
    const wait = (seconds: number) => sleep(seconds * 1000, undefined, { signal: context.signal });
    try {
        await wait(1);
        await browsers.report();
        const used = target.usage();
        await wait(context.quick ? 1 : 6);
        const [{ answers }, usage] = [await browsers.report(), target.usage()];
        const { 200: good = 0, ...others } = answers;
        for (const [kind, count] of Object.entries(others)) context.note(`${target.name}: pages: ${count} × ${kind}.`);
        const pages = good / (usage.cpuSeconds - used.cpuSeconds);
        measures.add(target.name, "handshakes with a page per second of the proxy's CPU", pages, {
            ...{ unit: "", better: "more" },
        });
    } finally {
        await browsers.stop();
        await target.stop();
    }
}
