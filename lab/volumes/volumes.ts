import {
    closeSync,
    existsSync,
    ftruncateSync,
    mkdirSync,
    openSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { LabError, type Lab } from "../lab.ts";
import { exec, tryExec } from "../process/exec.ts";
import type { CloudState, Volume } from "../cloud/state.ts";

/** A volume's disk: a sparse file, and a loop device while it is attached to a machine. */
export function volumeFile(lab: Lab, volumeId: string): string {
    return join(lab.dir, "volumes", `${volumeId}.img`);
}

export function snapshotsDir(lab: Lab): string {
    return join(lab.dir, "snapshots");
}

/** A snapshot's copy of a volume's disk: a sparse file too. */
export function snapshotFile(lab: Lab, snapshotId: string): string {
    return join(snapshotsDir(lab), `${snapshotId}.img`);
}

/** The name under which Nitro machines show an EBS volume in /dev/disk/by-id. */
export function byIdName(volumeId: string): string {
    return `nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
}

/** Makes the files of new volumes and grows those of larger ones, even while they are in use. */
export async function ensureVolumes(lab: Lab, state: CloudState): Promise<void> {
    mkdirSync(join(lab.dir, "volumes"), { recursive: true });
    for (const volume of Object.values(state.volumes)) await ensureSize(lab, volume);
}

/** Frees the loop devices of detached volumes and deletes the files of deleted volumes. */
export async function releaseVolumes(lab: Lab, state: CloudState): Promise<void> {
    const dir = join(lab.dir, "volumes");
    for (const name of readdirSync(dir)) {
        const volume = state.volumes[basename(name, ".img")];
        if (!volume?.attachment) await detachLoop(join(dir, name));
        if (!volume) rmSync(join(dir, name));
    }
}

async function ensureSize(lab: Lab, volume: Volume): Promise<void> {
    const file = volumeFile(lab, volume.id);
    if (volume.snapshotId !== undefined && !existsSync(file)) await restore(lab, volume.snapshotId, file);
    const size = volume.sizeGiB * 1024 ** 3;
    const present = statSync(file, { throwIfNoEntry: false })?.size ?? -1;
    if (present >= size) return;
    const handle = openSync(file, "a");
    ftruncateSync(handle, size);
    closeSync(handle);
    const loop = findLoop(file);
    if (loop) await exec("losetup", ["-c", `/dev/${loop}`]);
}

/** Copies to a draft and renames it, so that an interrupted copy is repeated. */
async function restore(lab: Lab, snapshotId: string, file: string): Promise<void> {
    const source = snapshotFile(lab, snapshotId);
    if (!existsSync(source)) throw new LabError(`the file of the snapshot ${snapshotId}, ${source}, is gone`);
    await exec("cp", ["--sparse=always", "--reflink=auto", source, `${file}.new`]);
    renameSync(`${file}.new`, file);
}

/** The volume's loop device, as "loop3", attached at the first use. */
export async function ensureLoop(lab: Lab, volumeId: string): Promise<string> {
    const file = volumeFile(lab, volumeId);
    return findLoop(file) ?? basename((await exec("losetup", ["--find", "--show", file])).trim());
}

async function detachLoop(file: string): Promise<void> {
    const loop = findLoop(file);
    // If it is still mounted, the kernel detaches it after the last use.
    if (loop) await tryExec("losetup", ["--detach", `/dev/${loop}`]);
}

/** Detaches every loop device whose file is in the lab's directory, even if the file is deleted. */
export async function detachAllLoops(lab: Lab): Promise<void> {
    for (const [loop, file] of loops()) {
        if (file.startsWith(join(lab.dir, "volumes") + "/")) await tryExec("losetup", ["--detach", `/dev/${loop}`]);
    }
}

/** The file's loop device, as "loop3", if it has one. */
export function findLoop(file: string): string | undefined {
    return loops().find(([, backing]) => backing === file)?.[0];
}

function loops(): [string, string][] {
    return readdirSync("/sys/block")
        .filter((name) => /^loop\d+$/.test(name) && existsSync(`/sys/block/${name}/loop/backing_file`))
        .map((name) => [name, readBacking(name)]);
}

function readBacking(loop: string): string {
    try {
        return readFileSync(`/sys/block/${loop}/loop/backing_file`, "utf8").trim();
    } catch {
        // Detached since the directory was read.
        return "";
    }
}
