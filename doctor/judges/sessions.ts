import { fail, ok, warn, type Verdict } from "../../checks/types.ts";
import { judgeLimits } from "../../checks/limits.ts";
import { count } from "../facts.ts";
import { MEND, orOk, type Judge } from "../finding.ts";

/** Percent of a limit. Collectors that reconnect at once need more for a while. */
const NEARLY_USED = 80;
const USED = 95;

const SIZES = "set collectorsExpected to what the fleet has, and run pulumi up";

/** Open files, connections and local ports against the sizes, and refusals for too many sessions. */
export const judgeSessions: Judge = (facts) => {
    const processes = facts
        .rows("sessions", "files")
        .map(([who, pid, used, limit]) => ({ who: who!, pid, used: count(used), limit: limitOf(limit) }));
    const connections = facts.number("sessions", "connections");
    const [first, last] = (facts.value("sessions", "range") ?? "").split(/\s+/).map(Number);
    const ports = facts.rows("sessions", "ports").map(([peer, used]) => ({ peer, used: count(used) }));
    const workers = processes.filter(({ who }) => who === "nginx");
    if (workers.length === 0 || Number.isNaN(connections) || !(last! > first!))
        return [
            fail("nginx has no worker whose open files could be counted", "on the machine: systemctl status nginx"),
        ];
    const inUse = ports.reduce((sum, { used }) => sum + used, 0);
    return orOk(
        [
            ...processes.flatMap(({ who, pid, used, limit }) =>
                against(used, limit, `${who} (process ${pid}) has ${used} of ${limit} files open`),
            ),
            ...workers.flatMap(({ pid, used }) =>
                against(used, connections, `nginx (process ${pid}) uses ${used} of its ${connections} connections`),
            ),
            ...ports.flatMap(({ peer, used }) =>
                against(
                    used,
                    last! - first! + 1,
                    `connections to ${peer} use ${used} of ${last! - first! + 1} local ports`,
                ),
            ),
            ...workers
                .slice(0, 1)
                .filter(({ limit }) => limit < connections)
                .map(({ limit }) => tooFew(limit, connections, facts.rows("sessions", "unit", 2)[0])),
            ...[judgeLimits(facts.text("limits"))].filter(({ status }) => status !== "ok"),
        ],
        ok(`${inUse} to LinkMesh; open files, connections and local ports are far from their limits`),
    );
};

const limitOf = (text = "") => (text === "unlimited" ? Infinity : count(text));

/** @param unit what nginx's unit asks for, and whether the machine grants it */
function tooFew(limit: number, connections: number, [wanted, granted]: string[] = []): Verdict {
    const detail = `nginx may open ${limit} files, but has ${connections} connections`;
    if (granted === "refused")
        return warn(
            `${detail}: this machine does not grant the ${wanted} that its unit asks for`,
            `set collectorsExpected to fewer, or raise the machine's own limit (fs.nr_open, or that of the container's host), then ${MEND}`,
        );
    if (wanted !== undefined && limitOf(wanted) <= limit)
        return warn(
            `${detail}: its unit asks for ${wanted}`,
            "on the machine: systemctl cat nginx shows which file says so; remove that, and restart nginx when sessions may drop",
        );
    return warn(detail, "on the machine, when sessions may drop: sudo systemctl restart nginx");
}

function against(used: number, limit: number, detail: string): Verdict[] {
    const percent = (100 * used) / limit;
    return percent >= USED ? [fail(detail, SIZES)] : percent >= NEARLY_USED ? [warn(detail, SIZES)] : [];
}
