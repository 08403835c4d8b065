import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runningProcess, startDetached, stopProcess } from "../process/process.ts";
import { LabError, type Lab } from "../lab.ts";

const RUN_SCRIPT = fileURLToPath(new URL("./run-service.sh", import.meta.url));

/** A daemon of the lab's "internet". It runs chrooted into the services image, unless `outside` is set. */
export interface Service {
    name: string;
    /** The command, with paths inside the image. It must stay in the foreground. */
    argv: string[];
    /** The address where it listens when it is ready. */
    address: string;
    port: number;
    env?: Record<string, string>;
    /** Runs without chroot, with this machine's paths and Node: for the lab's own programs. */
    outside?: true;
    /** Files to write to {@link dataDir}, which the service sees as /lab. */
    files?: Record<string, string>;
    /** Further directories: outer path to inner path. */
    directories?: Record<string, string>;
}

export function serviceDir(lab: Lab, name: string): string {
    return join(lab.dir, "services", name);
}

/** The service's data directory, which it sees as /lab. */
export function dataDir(lab: Lab, name: string): string {
    return join(serviceDir(lab, name), "data");
}

export function serviceLog(lab: Lab, name: string): string {
    return join(lab.dir, "logs", `${name}.log`);
}

export function servicePidFile(lab: Lab, name: string): string {
    return join(serviceDir(lab, name), "pid");
}

/**
 * Starts a service and waits until it listens. If it already runs with the same definition, nothing happens; with
 * another definition, it restarts. The service outlives this process.
 *
 * @throws LabError with the end of its log if it does not start
 */
export async function startService(lab: Lab, image: string, service: Service): Promise<void> {
    const dir = serviceDir(lab, service.name);
    const pidFile = servicePidFile(lab, service.name);
    const definition = JSON.stringify([image, service], null, 2);
    const definitionFile = join(dir, "definition.json");
    const same = existsSync(definitionFile) && readFileSync(definitionFile, "utf8") === definition;
    if (!same || !runningProcess(pidFile)) {
        await stopProcess(pidFile);
        makeServiceDir(dir);
        copyFileSync("/etc/resolv.conf", join(dir, "upper/etc/resolv.conf"));
        for (const [name, text] of Object.entries(service.files ?? {})) writeFileSync(join(dir, "data", name), text);
        // A service's environment may hold a password.
        writeFileSync(definitionFile, definition, { mode: 0o600 });
        startDetached(lab, {
            argv: service.outside ? service.argv : chrooted(image, dir, service),
            log: serviceLog(lab, service.name),
            pidFile,
            env: service.env,
        });
    }
    await waitUntilListening(lab, service);
}

/** The command that runs a program in the services image, with the service's directory. */
export function chrooted(image: string, dir: string, service: Pick<Service, "argv" | "directories">): string[] {
    const directories = Object.entries({ [join(dir, "data")]: "/lab", ...service.directories }).flat();
    const inner = [RUN_SCRIPT, image, dir, ...directories, "--", ...service.argv];
    return ["unshare", "--mount", "--propagation", "private", "--", "sh", ...inner];
}

/** Makes the directories that {@link chrooted} needs. */
export function makeServiceDir(dir: string): void {
    for (const name of ["upper/etc", "work", "root", "data"]) mkdirSync(join(dir, name), { recursive: true });
}

/** Time limit for a start, long enough for a busy machine. If the process ends, the wait ends too. */
export const START_MS = 120_000;

async function waitUntilListening(lab: Lab, service: Service): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await accepts(service.address, service.port))) {
        if (Date.now() > deadline || !runningProcess(servicePidFile(lab, service.name))) {
            const log = serviceLog(lab, service.name);
            const end = readFileSync(log, "utf8").trim().split("\n").slice(-3).join(" / ");
            throw new LabError(
                `${service.name} does not listen on ${service.address}:${service.port}: ${end} (see ${log})`,
            );
        }
        await sleep(30);
    }
}

export function accepts(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 1000 });
        const end = (answer: boolean) => (socket.destroy(), resolve(answer));
        socket.once("connect", () => end(true));
        socket.once("error", () => end(false));
        socket.once("timeout", () => end(false));
    });
}
