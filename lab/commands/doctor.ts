import { checksIn } from "../../checks/outputs.ts";
import { isOk } from "../../checks/types.ts";
import { examine } from "../../doctor/index.ts";
import { examineMachine } from "../../doctor/machines.ts";
import { DATA_TAG } from "../../components/cloud/stack-tag.ts";
import type { SnapshotSource } from "../../doctor/judges/snapshot.ts";
import { printReports } from "../../doctor/print.ts";
import { readCloud } from "../cloud/store.ts";
import { LabError } from "../lab.ts";
import { requireLab } from "../slots.ts";
import { logins } from "./machine.ts";
import { chooseMachines } from "./machines.ts";
import { readOutputs } from "./session.ts";
import { hostOf, requireOutputs } from "./endpoints.ts";

/** Looks at the machine as `npm run doctor` does, with the lab's cloud in place of AWS. Throws if something is wrong. */
export async function doctor(options: { json?: boolean; markdown?: boolean; machine?: string }): Promise<void> {
    const lab = requireLab();
    const snapshots: SnapshotSource = async (owner) => {
        const { snapshots, tags = {} } = await readCloud(lab);
        return Object.values(snapshots)
            .filter(({ id }) => tags[id]?.[DATA_TAG] === owner)
            .map(({ startTime }) => ({ StartTime: startTime, State: "completed" }));
    };
    const outputs = readOutputs(lab);
    const scheduled = checksIn(outputs)[0]?.checks.dailySnapshots !== undefined;
    const reports = [];
    for (const { name, args } of chooseMachines(await logins(lab), options.machine)) {
        const ssh = ["ssh", ...args];
        if (name === undefined) reports.push(await examine(ssh, { snapshots, scheduled }));
        // One of several that cannot be looked at hides none of the others.
        else {
            const target = { host: `${hostOf(requireOutputs(outputs))} ${name}` };
            const machine = { target, ssh, paused: false, scheduled, dispose: () => {} };
            reports.push(await examineMachine(machine, { snapshots }));
        }
    }
    printReports(options.json ? "json" : options.markdown ? "markdown" : "text", "doctor", reports);
    const wrong = reports.filter((report) => !isOk(report));
    if (wrong.length === 0) return;
    const what = reports.length === 1 ? "the machine is" : `${wrong.length} of ${reports.length} machines are`;
    throw new LabError(`${what} not as \`up\` left it, or runs short of something`);
}
