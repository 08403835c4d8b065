import { execa } from "execa";
import { existsSync } from "node:fs";
import { nodesOf } from "../balancers/haproxy-config.ts";
import { nodeService } from "../balancers/haproxy-socket.ts";
import { consoleLog } from "../machines/machine.ts";
import { readCloud } from "../cloud/store.ts";
import { type Lab, LabError } from "../lab.ts";
import { requireLab } from "../slots.ts";
import { serviceLog } from "../services/service.ts";
import { STORAGE_SERVICES } from "../storage/storage.ts";
import { runSsh } from "./machine.ts";
import { chooseMachine, programMachines } from "./machines.ts";
import { requireMachineUp } from "./paused.ts";

export interface LogsOptions {
    follow?: boolean;
    lines: string;
    /** The name of the machine, if there are several. */
    machine?: string;
}

type View = (lines: number, follow: boolean) => string;

const journal =
    (unit: string): View =>
    (lines, follow) =>
        `sudo journalctl --no-pager --output=short-iso --unit=${unit} --lines=${lines}${follow ? " --follow" : ""}`;
const files =
    (...paths: string[]): View =>
    (lines, follow) =>
        `sudo tail --lines=${lines}${follow ? " --follow=name --retry" : ""} ${paths.join(" ")}`;

/** Logs on the machine, each with the command that shows it. */
const ON_MACHINE: Record<string, View> = {
    linkmesh: journal("linkmesh-server"),
    nginx: files("/var/log/nginx/error.log", "/var/log/nginx/access.log"),
    certbot: files("/var/log/letsencrypt/letsencrypt.log"),
    "cloud-init": files("/var/log/cloud-init-output.log"),
};

/** Logs on the outer machine, each with its file. */
const OUTSIDE: Record<string, (lab: Lab, machine?: string) => string | Promise<string | string[]>> = {
    console: machineConsole,
    balancer: balancerLogs,
    pebble: (lab) => serviceLog(lab, "pebble"),
    "pebble-corporate": (lab) => serviceLog(lab, "pebble-corporate"),
    aws: (lab) => serviceLog(lab, "aws"),
    dns: (lab) => serviceLog(lab, "knot"),
    mongodb: (lab) => serviceLog(lab, "mongodb"),
    git: (lab) => serviceLog(lab, "git"),
};

export const LOG_NAMES = [...Object.keys(ON_MACHINE), ...Object.keys(OUTSIDE)];

/** Shows the end of a log of the machine or of one of the lab's services. */
export async function logs(name: string, options: LogsOptions): Promise<void> {
    const lab = requireLab();
    if (!/^\d{1,6}$/.test(options.lines)) throw new LabError(`--lines ${options.lines} must be a number of lines`);
    const lines = Number(options.lines);
    const follow = options.follow === true;
    if (Object.hasOwn(ON_MACHINE, name)) {
        process.exitCode = await runSsh(
            lab,
            options.machine,
            [ON_MACHINE[name]!(lines, follow)],
            follow && process.stdout.isTTY ? ["-t"] : [],
        );
        return;
    }
    if (!Object.hasOwn(OUTSIDE, name))
        throw new LabError(`there is no log "${name}": choose one of ${LOG_NAMES.join(", ")}`);
    const log = await OUTSIDE[name]!(lab, options.machine);
    const paths = typeof log === "string" ? [log] : log;
    const missing = paths.find((file) => !existsSync(file));
    if (missing !== undefined)
        throw new LabError(
            `the log ${missing} does not exist yet: \`npm run lab -- ${STORAGE_SERVICES.includes(name) ? "storage" : "up"}\` starts what writes it`,
        );
    const args = [`--lines=${lines}`, ...(follow ? ["--follow=name"] : []), ...paths];
    const result = await execa("tail", args, { stdio: "inherit", reject: false });
    process.exitCode = result.exitCode ?? 130;
}

async function machineConsole(lab: Lab, machine?: string): Promise<string> {
    await requireMachineUp(lab);
    const { instance } = chooseMachine(programMachines(lab, await readCloud(lab)), machine);
    return consoleLog(lab, instance.id);
}

/** A load balancer has a HAProxy in each zone. */
async function balancerLogs(lab: Lab): Promise<string[]> {
    const nodes = nodesOf(await readCloud(lab));
    if (nodes.length === 0)
        throw new LabError("the lab has no load balancer: a stack of several machines (nodes) makes one");
    return nodes.map(({ networkInterfaceId }) => serviceLog(lab, nodeService(networkInterfaceId)));
}
