import {
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    rmdirSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { shortId, type Lab } from "../lab.ts";
import { AWS_AUTHORITY, authorityFile } from "../services/authority.ts";
import { rootFile } from "../services/certificate-manager.ts";
import { tryExec } from "../process/exec.ts";
import { interfaceNamespace } from "../network/interfaces.ts";
import { ipv6Twin } from "../network/router.ts";
import * as processes from "../process/process.ts";
import type { Instance, NetworkInterface } from "../cloud/state.ts";
import { byIdName, ensureLoop } from "../volumes/volumes.ts";

const RUN_SCRIPT = fileURLToPath(new URL("./run-machine.sh", import.meta.url));
const POWER_OFF_MS = 30_000;
/** Possible roots of the run script's cgroups, for cgroup v1 and v2. */
const HIERARCHIES = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

export function machinesDir(lab: Lab): string {
    return join(lab.dir, "machines");
}

export function machineName(lab: Lab, instanceId: string): string {
    return `${lab.prefix}-${shortId(instanceId)}`;
}

export function consoleLog(lab: Lab, instanceId: string): string {
    return join(lab.dir, "logs", `${instanceId}.console.log`);
}

function pidFile(lab: Lab, instanceId: string): string {
    return join(machinesDir(lab), instanceId, "pid");
}

export function isMachineRunning(lab: Lab, instanceId: string): boolean {
    return processes.runningProcess(pidFile(lab, instanceId)) !== undefined;
}

/**
 * Starts a machine on its root disk. The first start makes the disk from the image. Returns when init runs, before the
 * boot is complete.
 */
export async function startMachine(
    lab: Lab,
    instance: Instance,
    eni: NetworkInterface,
    image: () => Promise<string>,
): Promise<void> {
    const dir = join(machinesDir(lab), instance.id);
    for (const name of ["upper", "work", "root"]) mkdirSync(join(dir, name), { recursive: true });
    writeRootFiles(lab, join(dir, "upper"), instance, eni);
    // The disk holds only the differences to its image, so it needs that image and not a newer one.
    const imageFile = join(dir, "image");
    if (!existsSync(imageFile)) writeFileSync(imageFile, await image());
    trustAws(lab, readFileSync(imageFile, "utf8"), join(dir, "upper"));
    await endRemains(lab, instance.id);
    const name = machineName(lab, instance.id);
    const argv = [
        ...["unshare", "--mount", "--propagation", "private", "--"],
        ...["sh", RUN_SCRIPT, name, dir, readFileSync(imageFile, "utf8"), interfaceNamespace(lab, eni.id)],
    ];
    // If systemd is PID 1, it owns the cgroup tree and has to delegate a part of it.
    const scope = ["systemd-run", "--quiet", "--scope", `--unit=${name}`, "--property=Delegate=yes", "--"];
    processes.startDetached(lab, {
        argv: existsSync("/run/systemd/system") ? [...scope, ...argv] : argv,
        log: consoleLog(lab, instance.id),
        pidFile: pidFile(lab, instance.id),
        env: { [processes.MACHINE_MARK]: instance.id },
    });
    const up = () => leaderPid(lab, instance.id) !== undefined || !isMachineRunning(lab, instance.id);
    if (!(await processes.waitUntil(up, 120_000)) || !isMachineRunning(lab, instance.id)) {
        throw new Error(`the machine ${instance.id} did not start: see ${consoleLog(lab, instance.id)}`);
    }
}

function writeRootFiles(lab: Lab, upper: string, instance: Instance, eni: NetworkInterface): void {
    const hostname = `ip-${eni.privateIp.replaceAll(".", "-")}`;
    const files: Record<string, string> = {
        "etc/hostname": `${hostname}\n`,
        "etc/hosts": `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost ip6-localhost ip6-loopback\n`,
        "etc/resolv.conf": `nameserver ${lab.net.dns}\n${eni.ipv6Addresses.length ? `nameserver ${ipv6Twin(lab, lab.net.dns)}\n` : ""}`,
        // Not for the lab's own packages, which change while their addresses stay.
        "etc/apt/apt.conf.d/95lab-cache":
            `Acquire::http::Proxy "http://${lab.net.aptCache}:3142";\n` +
            `Acquire::http::Proxy::${lab.net.packages} "DIRECT";\n`,
        "var/lib/cloud/seed/nocloud/meta-data": JSON.stringify({
            "instance-id": instance.id,
            "local-hostname": hostname,
        }),
        "var/lib/cloud/seed/nocloud/user-data": instance.userData,
    };
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(upper, path)), { recursive: true });
        // The seed contains the private host key.
        writeFileSync(join(upper, path), text, { mode: path.startsWith("var/lib/cloud") ? 0o600 : 0o644 });
    }
}

/** Makes the system trust AWS's stand-ins, also after update-ca-certificates: its API, and Certificate Manager's CA. */
function trustAws(lab: Lab, image: string, upper: string): void {
    const caFiles = { "lab-aws": authorityFile(lab, AWS_AUTHORITY), "lab-certificate-manager": rootFile(lab) };
    // Tests of only the cloud start no services, so there is no CA.
    const cas = Object.entries(caFiles).filter(([, file]) => existsSync(file));
    const bundle = "etc/ssl/certs/ca-certificates.crt";
    const present = [upper, image].map((root) => join(root, bundle)).find((file) => existsSync(file));
    let trusted = present ? readFileSync(present, "utf8") : "";
    const write = (path: string, text: string) => {
        mkdirSync(dirname(join(upper, path)), { recursive: true });
        writeFileSync(join(upper, path), text);
    };
    for (const [name, file] of cas) {
        const pem = readFileSync(file, "utf8");
        write(`usr/local/share/ca-certificates/${name}.crt`, pem);
        if (!trusted.includes(pem)) write(bundle, (trusted += pem));
    }
}

/** Powers off a machine, by force after 30 s. Its disk stays. */
export async function stopMachine(lab: Lab, instanceId: string): Promise<void> {
    if (!existsSync(pidFile(lab, instanceId))) return;
    const record = processes.runningProcess(pidFile(lab, instanceId));
    const container = record && containerProcess(record.pid);
    if (container) {
        processes.signal(container, "SIGTERM");
        await processes.waitUntil(() => !processes.isRunning(record), POWER_OFF_MS);
    }
    await endRemains(lab, instanceId);
    rmSync(pidFile(lab, instanceId), { force: true });
    removeCgroups(machineName(lab, instanceId));
}

/** Ends what a killed systemd-nspawn leaves running, because two machines must never use one disk. */
async function endRemains(lab: Lab, instanceId: string): Promise<void> {
    const left = await processes.killAll(processes.processesOfLab(lab, instanceId));
    if (left.length) throw new Error(`processes of the machine ${instanceId} do not end: ${left.join(", ")}`);
}

/** Stops a machine and deletes its root disk. */
export async function deleteMachine(lab: Lab, instanceId: string): Promise<void> {
    await stopMachine(lab, instanceId);
    await endRemains(lab, instanceId);
    rmSync(join(machinesDir(lab), instanceId), { recursive: true, force: true });
}

/** The pid of a machine's init on the outer machine. Undefined until init runs. */
export function leaderPid(lab: Lab, instanceId: string): number | undefined {
    const record = processes.runningProcess(pidFile(lab, instanceId));
    const container = record && containerProcess(record.pid);
    if (!container) return undefined;
    return processes.childrenOf(container).find((pid) => {
        try {
            const [, inner] = /^NSpid:\s+\d+\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
            // Before it is init, it still sets up mounts.
            return inner === "1" && processes.procStat(pid)?.comm === "systemd";
        } catch {
            return false;
        }
    });
}

/** The systemd-nspawn below a machine's run script. */
function containerProcess(runner: number): number | undefined {
    return processes.childrenOf(runner).find((pid) => processes.procStat(pid)?.comm === "systemd-nspawn");
}

/**
 * Runs a command as root inside a running machine, without network and SSH.
 *
 * @throws Error if the machine does not run
 */
export async function enterMachine(lab: Lab, instanceId: string, argv: string[], input?: string) {
    const leader = leaderPid(lab, instanceId);
    if (leader === undefined) throw new Error(`the machine ${instanceId} does not run`);
    const enter = [
        "--target",
        String(leader),
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        "--root",
        "--wd",
    ];
    return tryExec("nsenter", [...enter, "--", ...argv], { input });
}

/**
 * Shows a machine exactly these volumes: links in /dev/disk/by-id, and device nodes while it runs. The directory with
 * the links is shared with the outer machine, so that they exist from the start of the boot.
 */
export async function applyDisks(lab: Lab, instanceId: string, volumeIds: string[]): Promise<void> {
    const dir = join(machinesDir(lab), instanceId, "disks", "by-id");
    mkdirSync(dir, { recursive: true });
    const links = new Map<string, string>();
    for (const id of volumeIds) {
        const loop = await ensureLoop(lab, id);
        for (const name of [byIdName(id), `${byIdName(id)}_1`]) links.set(name, `../../${loop}`);
    }
    const present = new Set(readdirSync(dir));
    const leader = leaderPid(lab, instanceId);
    for (const name of present) {
        const target = readlinkSync(join(dir, name));
        if (links.get(name) === target) continue;
        rmSync(join(dir, name));
        present.delete(name);
        if (leader !== undefined && name.endsWith("_1"))
            await removeNode(lab, instanceId, target.replace("../../", ""));
    }
    for (const [name, target] of links) if (!present.has(name)) symlinkSync(target, join(dir, name));
    if (leader === undefined) return;
    for (const loop of new Set([...links.values()].map((target) => target.replace("../../", "")))) {
        if (!existsSync(`/proc/${leader}/root/dev/${loop}`)) await addNode(lab, instanceId, loop);
    }
}

async function addNode(lab: Lab, instanceId: string, loop: string): Promise<void> {
    const [major, minor] = readFileSync(`/sys/block/${loop}/dev`, "utf8").trim().split(":") as [string, string];
    const made = await enterMachine(lab, instanceId, ["mknod", "-m", "660", `/dev/${loop}`, "b", major, minor]);
    if (made.failed) throw new Error(`/dev/${loop} could not be made in ${instanceId}: ${made.stderr.trim()}`);
}

/** Removes a device node: a mount if it existed at the start, otherwise a file. */
async function removeNode(lab: Lab, instanceId: string, loop: string): Promise<void> {
    await enterMachine(lab, instanceId, ["sh", "-c", `umount /dev/${loop} 2>/dev/null; rm -f /dev/${loop}`]);
}

/** Removes the run script's cgroups whose names start with a prefix. */
export function removeCgroups(prefix: string): void {
    for (const hierarchy of HIERARCHIES) {
        if (!existsSync(hierarchy)) continue;
        for (const name of readdirSync(hierarchy)) if (name.startsWith(prefix)) removeCgroup(join(hierarchy, name));
    }
}

function removeCgroup(dir: string): void {
    try {
        for (const entry of readdirSync(dir, { withFileTypes: true })) {
            if (entry.isDirectory()) removeCgroup(join(dir, entry.name));
        }
        // A cgroup's files cannot be removed, only the directory.
        rmdirSync(dir);
    } catch {
        // Still in use for a moment, or already gone.
    }
}

export function hasCgroups(prefix: string): boolean {
    return HIERARCHIES.some((dir) => existsSync(dir) && readdirSync(dir).some((name) => name.startsWith(prefix)));
}
