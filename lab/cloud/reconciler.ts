import { existsSync, readFileSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { applyBalancers, stopBalancers } from "../balancers/balancers.ts";
import { ensureImage, ensureOwnImage, ensureServicesImage } from "../machines/image/image.ts";
import { LabError, type Lab, type Progress } from "../lab.ts";
import { publishZone } from "../services/knot.ts";
import { useOpenUmask } from "../process/umask.ts";
import { exec, tryExec } from "../process/exec.ts";
import { applyInterfaces } from "../network/interfaces.ts";
import { withLock } from "../process/lock.ts";
import * as machines from "../machines/machine.ts";
import {
    ensureRouter,
    lowerFences,
    namespaceInode,
    namespaces,
    removeRouter,
    routerNamespace,
} from "../network/router.ts";
import { killAll, processesOfLab, waitUntil } from "../process/process.ts";
import { publicRecords } from "./records.ts";
import { AppliedObjects } from "./applied-objects.ts";
import { renderRuleset } from "../network/packet-filter.ts";
import { IMAGES } from "./images.ts";
import type { CloudState, Instance } from "./state.ts";
import { deleteSnapshots, takeSnapshots } from "../volumes/snapshots.ts";
import { detachAllLoops, ensureVolumes, releaseVolumes } from "../volumes/volumes.ts";

/** Makes this machine match a {@link CloudState}: namespaces, links, packet filters, disks, machines, zone. */
export class Reconciler {
    readonly #lab: Lab;
    readonly #progress: Progress;

    constructor(lab: Lab, progress: Progress = () => undefined) {
        this.#lab = lab;
        this.#progress = progress;
    }

    /**
     * Idempotent and incremental: changes only what differs, even after an interrupted run of another process. One call
     * at a time per lab, across processes. Returns when init runs on every machine (the boot continues) and every
     * machine to remove is powered off.
     */
    apply(state: CloudState): Promise<void> {
        return withLock(this.#lab.dir, () => this.#apply(structuredClone(state)));
    }

    /** Removes everything of this lab from this machine, including leftovers of a crash or a restart. Idempotent. */
    teardown(): Promise<void> {
        return withLock(this.#lab.dir, () => teardown(this.#lab));
    }

    async #apply(state: CloudState): Promise<void> {
        const lab = this.#lab;
        useOpenUmask();
        const applied = AppliedObjects.load(lab);
        await ensureRouter(lab, applied);
        // Machines first, because they may use an interface or a volume that is removed too.
        await this.#stopMachines(state);
        await stopBalancers(lab, state);
        await applyInterfaces(lab, state, applied);
        await this.#loadRuleset(state, applied);
        // Before a volume grows or is removed, because a snapshot holds its present content.
        await takeSnapshots(lab, state);
        await ensureVolumes(lab, state);
        for (const instance of Object.values(state.instances)) {
            const volumes = Object.values(state.volumes).filter((v) => v.attachment?.instanceId === instance.id);
            await machines.applyDisks(
                lab,
                instance.id,
                volumes.map((v) => v.id),
            );
        }
        await releaseVolumes(lab, state);
        deleteSnapshots(lab, state);
        await publishZone(lab, publicRecords(state));
        await applyBalancers(lab, state, applied, () => ensureServicesImage(lab.cacheDir, this.#progress));
        for (const instance of Object.values(state.instances)) {
            if (instance.desired === "running" && !machines.isMachineRunning(lab, instance.id)) {
                await this.#start(state, instance);
            }
        }
        applied.save();
    }

    async #start(state: CloudState, instance: Instance): Promise<void> {
        const image = IMAGES.find((known) => known.imageId === instance.imageId);
        if (!image) throw new LabError(`the lab has no image ${instance.imageId}: it has ${imageNames()}`);
        const eni = state.networkInterfaces[instance.networkInterfaceId];
        if (!eni) throw new Error(`${instance.id} uses ${instance.networkInterfaceId}, which does not exist`);
        const { cacheDir } = this.#lab;
        const root = () =>
            image.release === "with packages"
                ? ensureOwnImage(cacheDir, this.#progress)
                : ensureImage(cacheDir, image.release, this.#progress);
        await machines.startMachine(this.#lab, instance, eni, root);
    }

    async #stopMachines(state: CloudState): Promise<void> {
        const lab = this.#lab;
        const dir = machines.machinesDir(lab);
        const present = existsSync(dir) ? readdirSync(dir) : [];
        const gone = present.filter((id) => !state.instances[id]);
        const stopped = present.filter((id) => state.instances[id]?.desired === "stopped");
        await Promise.all([
            ...gone.map((id) => machines.deleteMachine(lab, id)),
            ...stopped.map((id) => machines.stopMachine(lab, id)),
        ]);
    }

    async #loadRuleset(state: CloudState, applied: AppliedObjects): Promise<void> {
        const namespace = routerNamespace(this.#lab);
        const ruleset = renderRuleset(this.#lab, state);
        const print = `${namespaceInode(namespace)}\n${ruleset}`;
        if (applied.get("ruleset") === print) return;
        await exec("ip", ["netns", "exec", namespace, "nft", "-f", "-"], { input: ruleset });
        applied.set("ruleset", print);
    }
}

function imageNames(): string {
    return IMAGES.map((image) => `${image.imageId} (${image.name})`).join(" and ");
}

/** Finds the lab's objects by name, path and mark, because its records may be lost. */
async function teardown(lab: Lab): Promise<void> {
    await killProcesses(lab);
    await unmountAll(lab);
    await detachAllLoops(lab);
    await removeRouter(lab);
    for (const name of namespaces()) if (name.startsWith(`${lab.prefix}-`)) await exec("ip", ["netns", "del", name]);
    await lowerFences();
    await waitUntil(() => (machines.removeCgroups(`${lab.prefix}-`), !machines.hasCgroups(`${lab.prefix}-`)), 3000);
    // The directory where systemd-nspawn hands over mounts. It stays if systemd-nspawn is killed.
    const handover = "/run/systemd/nspawn/propagate";
    for (const name of existsSync(handover) ? readdirSync(handover) : []) {
        if (name.startsWith(`${lab.prefix}-`)) rmdirSync(join(handover, name));
    }
    const directories = ["machines", "volumes", "snapshots", "services", "packages", "logs"];
    for (const name of [...directories, "public-ca.pem", "applied.json"]) {
        rmSync(join(lab.dir, name), { recursive: true, force: true });
    }
}

/**
 * Kills processes with the lab's mark and those in its namespaces. An orderly shutdown is not needed, because the disks
 * are deleted next.
 */
async function killProcesses(lab: Lab): Promise<void> {
    const pids = new Set(processesOfLab(lab));
    for (const name of namespaces().filter((n) => n.startsWith(`${lab.prefix}-`))) {
        const inside = await tryExec("ip", ["netns", "pids", name]);
        for (const pid of inside.stdout.split("\n").filter(Boolean)) pids.add(Number(pid));
    }
    const left = await killAll([...pids]);
    if (left.length) throw new LabError(`processes of the lab do not end: ${left.join(", ")}`);
}

async function unmountAll(lab: Lab): Promise<void> {
    const points = readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .filter((point) => point.startsWith(`${lab.dir}/`));
    for (const point of points.reverse()) await tryExec("umount", ["--lazy", point]);
}
