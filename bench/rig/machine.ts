import { cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Lab, LabError, labAt } from "../../lab/lab.ts";
import { deleteMachine, enterMachine, machinesDir, startMachine, stopMachine } from "../../lab/machines/machine.ts";
import { interfaceNamespace } from "../../lab/network/interfaces.ts";
import { exec } from "../../lab/process/exec.ts";
import { allPids, procStat } from "../../lab/process/process.ts";

/** Where the machines of the rig are. It is no lab: it has neither services nor a cloud. */
export const RIG: Lab = { ...labAt(0), prefix: "lmb", dir: "/var/lib/linkmesh-bench" };

/** What is measured of the processes of one program. */
export interface Usage {
    /** The memory that they have for themselves, and their part of what they share. */
    pssKb: number;
    /** Of these processes, and of their children that have ended. */
    cpuSeconds: number;
    /** To files, also to those that are deleted already. */
    writtenKb: number;
    processes: number;
}

/** Starts one more machine of the rig, with the files that the function writes. */
export type Boot = (prepared: (machine: RigMachine) => void) => Promise<RigMachine>;

/** A machine as the lab makes them, with nothing but one link to the clients. */
export class RigMachine {
    readonly #instance: Parameters<typeof startMachine>[1];
    readonly #interface: Parameters<typeof startMachine>[2];
    readonly namespace: string;

    constructor(
        readonly id: string,
        readonly address: string,
        private readonly image: string,
    ) {
        this.#interface = {
            id,
            subnetId: "",
            macAddress: "",
            privateIp: address,
            ipv6Addresses: [],
            securityGroupIds: [],
        };
        this.#instance = {
            id,
            imageId: "",
            instanceType: "",
            networkInterfaceId: id,
            userData: "",
            desired: "running",
            rootSizeGiB: 0,
        };
        this.namespace = interfaceNamespace(RIG, id);
    }

    /** Returns when systemd has started everything. */
    async start(): Promise<void> {
        // The lab shows a machine its volumes there; this one has none.
        mkdirSync(join(machinesDir(RIG), this.id, "disks"), { recursive: true });
        await startMachine(RIG, this.#instance, this.#interface, () => Promise.resolve(this.image));
        for (;;) {
            const { stdout } = await enterMachine(RIG, this.id, ["systemctl", "is-system-running", "--wait"]);
            if (/^(running|degraded)/.test(stdout)) return;
        }
    }

    stop(): Promise<void> {
        return stopMachine(RIG, this.id);
    }

    delete(): Promise<void> {
        return deleteMachine(RIG, this.id);
    }

    /** Before the first start. */
    write(path: string, text: string, mode = 0o644): void {
        const file = this.#file(path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text, { mode });
    }

    /** Texts by path, before the first start. */
    writeAll(files: Readonly<Record<string, string>>): void {
        for (const [path, text] of Object.entries(files)) this.write(path, text);
    }

    /** Before the first start. */
    copy(from: string, path: string): void {
        mkdirSync(dirname(this.#file(path)), { recursive: true });
        cpSync(from, this.#file(path));
    }

    #file(path: string): string {
        return join(machinesDir(RIG), this.id, "upper", path);
    }

    /** Runs a shell script as root on the machine. @throws LabError if it fails */
    async run(script: string): Promise<string> {
        const { failed, stdout, stderr } = await enterMachine(RIG, this.id, ["bash", "-s"], script);
        if (!failed) return stdout;
        const reason = (stderr.trim() || stdout.trim()).split("\n").slice(-5).join("; ");
        throw new LabError(`a command on the benchmark's machine ${this.id} failed: ${reason}`);
    }

    /** The processes on the machine that run a program of one of these names. */
    pids(names: readonly string[]): number[] {
        const { ino } = statSync(`/run/netns/${this.namespace}`);
        return allPids().filter((pid) => {
            if (!names.includes(procStat(pid)?.comm ?? "")) return false;
            try {
                return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${ino}]`;
            } catch {
                return false; // It has ended.
            }
        });
    }

    usage(names: readonly string[]): Usage {
        const pids = this.pids(names);
        return {
            pssKb: pids.reduce((sum, pid) => sum + pssKb(pid), 0),
            cpuSeconds: pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
            writtenKb: pids.reduce((sum, pid) => sum + writtenKb(pid), 0),
            processes: pids.length,
        };
    }
}

function pssKb(pid: number): number {
    return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

/** To the nanosecond for its threads, because many proxies use less than 10 ms in a run; for children that have ended, to 10 ms. */
function cpuSeconds(pid: number): number {
    const nanoseconds = list(`/proc/${pid}/task`).map((id) => {
        return Number(read(`/proc/${pid}/task/${id}/schedstat`).split(" ")[0]);
    });
    const text = read(`/proc/${pid}/stat`);
    const ended = text
        .slice(text.lastIndexOf(")") + 2)
        .split(" ")
        .slice(13, 15);
    return (
        nanoseconds.reduce((sum, value) => sum + value, 0) / 1e9 +
        ended.reduce((sum, ticks) => sum + Number(ticks), 0) / 100
    );
}

/** Empty if the process has ended. */
function list(folder: string): string[] {
    try {
        return readdirSync(folder);
    } catch {
        return [];
    }
}

function writtenKb(pid: number): number {
    return Number(/^write_bytes: (\d+)/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0) / 1024;
}

/** Empty if the process has ended. */
function read(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return "";
    }
}

/** Runs a tool in the namespace of the clients. */
export function inClients(argv: readonly string[]): Promise<string> {
    return exec("ip", ["netns", "exec", CLIENTS, ...argv]);
}

/** The namespace of all clients. */
export const CLIENTS = `${RIG.prefix}-clients`;
