import { judgeSetup } from "../checks/setup.ts";
import { fail, type Verdict } from "../checks/types.ts";
import { askMachine, Unreadable, type Facts } from "./facts.ts";
import { TOPICS, type Asked, type Finding, type Judge, type Topic } from "./finding.ts";
import { hostOf, judgeCertificate, judgeOrders, judgeRenewals } from "./judges/certificates.ts";
import { judgeClock } from "./judges/clock.ts";
import { judgeFiles, judgePackages, judgeUnits } from "./judges/expected.ts";
import { judgeKernel, judgeListeners } from "./judges/network.ts";
import { judgeSessions } from "./judges/sessions.ts";
import { askAws, lookForSnapshot, type SnapshotSource } from "./judges/snapshot.ts";
import { judgeDisks, judgeMemory, judgeMounts } from "./judges/storage.ts";
import { judgeRestarts, judgeUpdates } from "./judges/updates.ts";

/** Who judges a topic, and the sections without which it cannot be well. The checks of certificates say so themselves. */
const JUDGES: Readonly<Record<Exclude<Topic, "snapshot">, readonly [Judge, ...string[]]>> = {
    setup: [judgeSetups, "setup"],
    files: [judgeFiles, "expected"],
    units: [judgeUnits, "expected", "failed", "drop-ins"],
    packages: [judgePackages, "expected", "updates"],
    listeners: [judgeListeners, "listeners"],
    mounts: [judgeMounts, "mounts"],
    kernel: [judgeKernel, "kernel"],
    disks: [judgeDisks, "disks"],
    memory: [judgeMemory, "memory"],
    clock: [judgeClock, "clock"],
    sessions: [judgeSessions, "sessions", "limits"],
    certificate: [judgeCertificate, "host"],
    renewal: [judgeRenewals],
    orders: [judgeOrders, "orders"],
    updates: [judgeUpdates, "updates"],
    restart: [judgeRestarts, "reboot", "libraries", "restart"],
};

export interface Options {
    timeoutMs?: number;
    /** Snapshots of the data with this value of the data tag. Default: asks the AWS CLI. */
    snapshots?: SnapshotSource;
    /** The setting `dailySnapshots` is on. */
    scheduled?: boolean;
}

/**
 * Looks at the machine over SSH and changes nothing there.
 * @param ssh the ssh command up to the destination
 * @throws ConnectionError
 */
export async function examine(
    ssh: string[],
    { timeoutMs = 120_000, snapshots = askAws, scheduled = false }: Options = {},
): Promise<{ host: string; results: Finding[] }> {
    const began = now();
    const facts = await askMachine(ssh, timeoutMs);
    const ended = now();
    const snapshot: Finding = { name: "snapshot", ...(await lookForSnapshot(facts, snapshots, ended, scheduled)) };
    const results = [...judge(facts, { began, ended }), snapshot].sort(
        (one, other) => TOPICS.indexOf(one.name) - TOPICS.indexOf(other.name),
    );
    return { host: hostOf(facts), results };
}

/**
 * The findings of all topics but the snapshot. On a machine that is not set up yet, a question about what is still to come
 * fails, which says nothing. Pure.
 */
export function judge(facts: Facts, asked: Asked): Finding[] {
    const isSetUp = judgeSetups(facts).every(({ status }) => status === "ok");
    return Object.entries(JUDGES).flatMap(([name, [judgeTopic, ...sections]]) => {
        const gaps = sections.flatMap((section) => facts.unasked(section) ?? []).map(unknown);
        const verdicts = judged(judgeTopic, facts, asked).filter(({ status }) => gaps.length === 0 || status !== "ok");
        return [...verdicts, ...(isSetUp ? gaps : [])].map((verdict) => ({ name: name as Topic, ...verdict }));
    });
}

function judgeSetups(facts: Facts): Verdict[] {
    return [judgeSetup(facts.text("setup"))];
}

/** An answer that cannot be read is no good answer. */
function judged(judgeTopic: Judge, facts: Facts, asked: Asked): Verdict[] {
    try {
        return judgeTopic(facts, asked);
    } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        return [fail(`what the machine says cannot be read: ${error.message}`, "log in to the machine to look")];
    }
}

/** A question that could not be asked is no good answer. */
function unknown(said: string): Verdict {
    return fail(
        `not all of it could be asked: ${said || "a command failed and said nothing"}`,
        "log in to the machine to look",
    );
}

const now = () => Date.now() / 1000;
