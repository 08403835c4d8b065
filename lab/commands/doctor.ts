import { isOk } from "../../checks/types.ts";
import { examine } from "../../doctor/index.ts";
import { DATA_TAG } from "../../components/cloud/stack-tag.ts";
import type { SnapshotSource } from "../../doctor/judges/snapshot.ts";
import { printReports } from "../../doctor/print.ts";
import { readCloud } from "../cloud/store.ts";
import { LabError } from "../lab.ts";
import { requireLab } from "../slots.ts";
import { sshArguments } from "./machine.ts";

/** Looks at the machine as `npm run doctor` does, with the lab's cloud in place of AWS. Throws if something is wrong. */
export async function doctor(options: { json?: boolean }): Promise<void> {
    const lab = requireLab();
    const snapshots: SnapshotSource = async (owner) => {
        const { snapshots, tags = {} } = await readCloud(lab);
        return Object.values(snapshots)
            .filter(({ id }) => tags[id]?.[DATA_TAG] === owner)
            .map(({ startTime }) => ({ StartTime: startTime, State: "completed" }));
    };
    const report = await examine(["ssh", ...(await sshArguments(lab))], { snapshots });
    printReports(options.json ? "json" : "text", "doctor", [report]);
    if (!isOk(report)) throw new LabError("the machine is not as `up` left it, or runs short of something");
}
