import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, LabError } from "../lab.ts";
import { exec } from "../process/exec.ts";
import { leaderPid } from "../machines/machine.ts";
import type { CloudState, Snapshot } from "../cloud/state.ts";
import { findLoop, snapshotFile, snapshotsDir, volumeFile } from "./volumes.ts";

const COPY_SCRIPT = fileURLToPath(new URL("./snapshot-volume.sh", import.meta.url));

/** Copies the volumes of new snapshots, each at one moment, mounted or not. */
export async function takeSnapshots(lab: Lab, state: CloudState): Promise<void> {
    for (const snapshot of Object.values(state.snapshots)) {
        if (!existsSync(snapshotFile(lab, snapshot.id))) await take(lab, state, snapshot);
    }
}

/** Deletes the files of deleted snapshots and the leftovers of interrupted copies. */
export function deleteSnapshots(lab: Lab, state: CloudState): void {
    const dir = snapshotsDir(lab);
    if (!existsSync(dir)) return;
    for (const name of readdirSync(dir)) {
        if (!state.snapshots[basename(name, ".img")]) rmSync(join(dir, name), { force: true });
    }
}

async function take(lab: Lab, state: CloudState, { id, volumeId }: Snapshot): Promise<void> {
    const volume = volumeFile(lab, volumeId);
    if (!existsSync(volume)) {
        throw new LabError(`the file of the snapshot ${id} is gone, and so is its volume ${volumeId}`);
    }
    mkdirSync(snapshotsDir(lab), { recursive: true });
    const loop = findLoop(volume);
    const instanceId = state.volumes[volumeId]?.attachment?.instanceId;
    const mountPoint = loop && instanceId ? mountPointOf(lab, instanceId, loop) : undefined;
    // In its own session, so that a signal to this process does not interrupt the copy.
    const copy = ["--wait", "sh", COPY_SCRIPT, volume, snapshotFile(lab, id)];
    await exec("setsid", [...copy, loop ? `/dev/${loop}` : "", mountPoint ?? ""]);
}

/** The mount point of a device on a running machine, as a path of the outer machine. */
function mountPointOf(lab: Lab, instanceId: string, loop: string): string | undefined {
    const leader = leaderPid(lab, instanceId);
    if (leader === undefined) return undefined;
    const device = readFileSync(`/sys/block/${loop}/dev`, "utf8").trim();
    // "36 35 7:0 / /mnt/data rw …": the third field is the device, the fifth the mount point, in octal where it must be.
    const mounts = readFileSync(`/proc/${leader}/mountinfo`, "utf8").split("\n");
    const point = mounts.map((line) => line.split(" ")).find((fields) => fields[2] === device)?.[4];
    const plain = point?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    return plain && `/proc/${leader}/root${plain}`;
}
