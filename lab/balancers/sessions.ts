import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CloudState } from "../cloud/state.ts";
import type { Lab } from "../lab.ts";
import { dataDir } from "../services/service.ts";
import {
    type BalancerNode,
    DEREGISTERED_FILE,
    UNHEALTHY_FILE,
    backendOf,
    listenersOf,
    targetsOf,
} from "./haproxy-config.ts";
import type { Server } from "./haproxy-socket.ts";

/**
 * Has the sessions of the targets that are gone end as on AWS: after the deregistration delay if their group terminates
 * connections, and else not at all. Until then the process from before the reload keeps them.
 *
 * @param before the targets before the reload
 */
export function endSessions(
    lab: Lab,
    name: string,
    state: CloudState,
    node: BalancerNode,
    before: readonly Server[],
): void {
    const file = join(dataDir(lab, name), DEREGISTERED_FILE);
    const present = existsSync(file) ? readFileSync(file, "utf8") : "";
    const text = deregistered(state, node, { before, present, now: Date.now() });
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
}

/** For a HAProxy that starts without sessions. */
export function forgetSessions(lab: Lab, name: string): void {
    for (const file of [DEREGISTERED_FILE, UNHEALTHY_FILE]) rmSync(join(dataDir(lab, name), file), { force: true });
}

/** A line for each target whose sessions end: backend, server, seconds since 1970. Pure. */
export function deregistered(
    state: CloudState,
    node: BalancerNode,
    { before, present, now }: { before: readonly Server[]; present: string; now: number },
): string {
    const groups = new Map(
        listenersOf(state, node.balancer).map((listener) => [
            backendOf(listener),
            state.targetGroups[listener.targetGroupArn]!,
        ]),
    );
    const isTarget = (backend: string, name: string) => {
        const group = groups.get(backend);
        return group !== undefined && targetsOf(state, node, group).some(({ server }) => server === name);
    };
    const times = new Map<string, string>();
    for (const line of present.split("\n").filter(Boolean)) {
        const [backend = "", name = "", time = ""] = line.split(" ");
        // A target that is back begins anew.
        if (!isTarget(backend, name)) times.set(`${backend} ${name}`, time);
    }
    for (const { backend, name } of before) {
        const group = groups.get(backend);
        if (!group?.endsDeregistered || isTarget(backend, name)) continue;
        times.set(`${backend} ${name}`, String(Math.ceil(now / 1000) + group.deregistrationDelay));
    }
    return [...times].map(([target, time]) => `${target} ${time}\n`).join("");
}
