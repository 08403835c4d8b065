import { askMachine, type Facts } from "./facts.ts";
import { TOPICS, type Asked, type Finding, type Judge, type Topic } from "./finding.ts";
import { hostOf, judgeCertificate, judgeOrders, judgeRenewals } from "./judges/certificates.ts";
import { judgeClock } from "./judges/clock.ts";
import { judgeFiles, judgePackages, judgeUnits } from "./judges/expected.ts";
import { judgeKernel, judgeListeners } from "./judges/network.ts";
import { judgeSessions } from "./judges/sessions.ts";
import { askAws, lookForSnapshot, type SnapshotSource } from "./judges/snapshot.ts";
import { judgeDisks, judgeMemory, judgeMounts } from "./judges/storage.ts";
import { judgeRestarts, judgeUpdates } from "./judges/updates.ts";

const JUDGES: Readonly<Record<Exclude<Topic, "snapshot">, Judge>> = {
    files: judgeFiles,
    units: judgeUnits,
    packages: judgePackages,
    listeners: judgeListeners,
    mounts: judgeMounts,
    kernel: judgeKernel,
    disks: judgeDisks,
    memory: judgeMemory,
    clock: judgeClock,
    sessions: judgeSessions,
    certificate: judgeCertificate,
    renewal: judgeRenewals,
    orders: judgeOrders,
    updates: judgeUpdates,
    restart: judgeRestarts,
};

export interface Options {
    timeoutMs?: number;
    /** Snapshots of the data with this value of the data tag. Default: asks the AWS CLI. */
    snapshots?: SnapshotSource;
}

/**
 * Looks at the machine over SSH and changes nothing there.
 * @param ssh the ssh command up to the destination
 * @throws ConnectionError
 */
export async function examine(
    ssh: string[],
    { timeoutMs = 120_000, snapshots = askAws }: Options = {},
): Promise<{ host: string; results: Finding[] }> {
    const began = now();
    const facts = await askMachine(ssh, timeoutMs);
    const ended = now();
    const snapshot: Finding = { name: "snapshot", ...(await lookForSnapshot(facts, snapshots, ended)) };
    const results = [...judge(facts, { began, ended }), snapshot].sort(
        (one, other) => TOPICS.indexOf(one.name) - TOPICS.indexOf(other.name),
    );
    return { host: hostOf(facts), results };
}

/** The findings of all topics but the snapshot. Pure. */
export function judge(facts: Facts, asked: Asked): Finding[] {
    return Object.entries(JUDGES).flatMap(([name, judgeTopic]) =>
        judgeTopic(facts, asked).map((verdict) => ({ name: name as Topic, ...verdict })),
    );
}

const now = () => Date.now() / 1000;
