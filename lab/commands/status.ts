import { existsSync } from "node:fs";
import { STACK_TAG } from "../../components/cloud/stack-tag.ts";
import { type NodeHealth, type TargetHealth, balancerHealth } from "../balancers/health.ts";
import { isMachineRunning } from "../machines/machine.ts";
import { runningProcess } from "../process/process.ts";
import { type Judgement, judgeAlarms } from "../cloud/alarms.ts";
import { readCloud } from "../cloud/store.ts";
import { readCheckpoint, workspaceOf } from "../engine/workspace.ts";
import type { Lab } from "../lab.ts";
import { findLab, lockedBy, noLab } from "../slots.ts";
import { servicePidFile } from "../services/service.ts";
import { STORAGE_SERVICES, hasStorage } from "../storage/storage.ts";
import { type CorporateAcme, SERVICE_NAMES, services } from "../services/services.ts";
import type { StageTime } from "../ui.ts";
import { clientCaFile } from "./client-ca.ts";
import { chooseMachines, programMachines } from "./machines.ts";
import { publishedPackage } from "./package.ts";
import { RESUME, isPaused } from "./paused.ts";
import { curlCommand } from "./report.ts";
import { readOutputs } from "./session.ts";
import { readStages } from "./stages.ts";
import { hostOf, isUp, requireOutputs } from "./endpoints.ts";

/** The output of `status --json`. A value that does not exist is `null`. */
export interface Status {
    /** Outputs of the stack by name, without secrets. */
    outputs: Record<string, unknown>;
    /** The public hostname. */
    host: string | null;
    /** PEM file with the CAs for the public certificate. */
    caFile: string | null;
    /** The lab's other ACME server, which stands in for a company's own server. */
    corporateAcme: CorporateAcme;
    /** Durations of the last `up`. */
    stages: StageTime[];
    slot: number;
    directory: string;
    /** The machine of the stack, or the first of several, by the cloud's id. */
    machine: MachineState | null;
    /** Several machines, by their names. Absent if the stack has one. */
    machines?: Record<string, MachineState>;
    /** The nodes of the load balancer, with the machines that each holds for healthy. Empty if the stack has none. */
    balancer: Balancer[];
    /** Whether the setting `paused` has removed the machine. The rest of the stack exists. */
    paused: boolean;
    /** Ids of resources that have the stack's tag but are not in its state, for example after a killed `up`. */
    leftOver: string[];
    /** Whether each alarm rings. */
    alarms: Judgement[];
    /** Whether each of the lab's services runs. */
    services: Record<string, boolean>;
    /** "stand-in", or the user's package file. */
    package: string | null;
    /** The command that is changing the lab. */
    busy: { pid: number; doing: string } | null;
}

export interface MachineState {
    id: string;
    state: "running" | "stopped" | "crashed";
}

type Balancer = Omit<NodeHealth, "targets"> & { targets: (Omit<TargetHealth, "instanceId"> & { machine: string })[] };

export async function status(options: { json?: boolean; machine?: string }): Promise<void> {
    const lab = findLab();
    if (!lab) {
        console.log(options.json ? "null" : noLab());
        return;
    }
    const found = await readStatus(lab, options.machine);
    if (options.json) console.log(JSON.stringify(found, null, 2));
    else print(found);
}

async function readStatus(lab: Lab, machine?: string): Promise<Status> {
    const outputs = readOutputs(lab);
    const busy = await lockedBy(lab);
    return {
        outputs,
        host: isUp(outputs) ? hostOf(requireOutputs(outputs)) : null,
        caFile: existsSync(services(lab).publicCaFile) ? clientCaFile(lab) : null,
        corporateAcme: services(lab).corporateAcme,
        stages: readStages(lab),
        slot: lab.slot,
        directory: lab.dir,
        ...(await machineStates(lab, machine)),
        balancer: await balancer(lab),
        leftOver: await leftOver(lab),
        paused: await isPaused(lab),
        alarms: judgeAlarms(await readCloud(lab)),
        services: Object.fromEntries(
            [...SERVICE_NAMES, ...(hasStorage(lab) ? STORAGE_SERVICES : [])].map((name) => [
                name,
                runningProcess(servicePidFile(lab, name)) !== undefined,
            ]),
        ),
        package: publishedPackage(lab)?.origin ?? null,
        busy: busy ? { pid: busy.pid, doing: busy.doing } : null,
    };
}

async function machineStates(lab: Lab, name?: string): Promise<Pick<Status, "machine" | "machines">> {
    const machines = chooseMachines(programMachines(lab, await readCloud(lab)), name);
    const states = machines.map(({ name, instance: { id, desired } }): [string | undefined, MachineState] => {
        const state = isMachineRunning(lab, id) ? "running" : desired === "running" ? "crashed" : "stopped";
        return [name, { id, state }];
    });
    const named = states.filter((state): state is [string, MachineState] => state[0] !== undefined);
    return { machine: states[0]?.[1] ?? null, ...(named.length > 0 ? { machines: Object.fromEntries(named) } : {}) };
}

async function balancer(lab: Lab): Promise<Balancer[]> {
    const state = await readCloud(lab);
    const names = new Map(programMachines(lab, state).map(({ name, instance }) => [instance.id, name]));
    const named = ({ instanceId, port, health }: TargetHealth) => ({
        machine: names.get(instanceId) ?? instanceId,
        ...{ port, health },
    });
    return (await balancerHealth(lab, state)).map(({ targets, ...node }) => ({ ...node, targets: targets.map(named) }));
}

async function leftOver(lab: Lab): Promise<string[]> {
    const { tags = {}, snapshots } = await readCloud(lab);
    const known = JSON.stringify(readCheckpoint(workspaceOf(lab)) ?? {});
    return Object.keys(tags).filter((id) => STACK_TAG in tags[id]! && !(id in snapshots) && !known.includes(id));
}

/** A line for each machine. */
function machineRows({ machine, machines, paused }: Status): [string, string][] {
    if (machines) return Object.entries(machines).map(([name, { id, state }]) => [name, `${id}, ${state}`]);
    if (machine) return [["machine", `${machine.id}, ${machine.state}`]];
    return [["machine", paused ? `none: paused, \`${RESUME}\` brings it back` : "none"]];
}

/** Arguments of `up` that make the corporate ACME server issue the certificate. */
function corporateSettings({ directory, caFile, eabKeyId, eabHmacKey }: CorporateAcme): string {
    const settings = {
        acmeDirectory: directory,
        acmeCaBundle: `"$(cat ${caFile})"`,
        acmeEabKeyId: eabKeyId,
        acmeEabHmacKey: eabHmacKey,
    };
    return Object.entries(settings)
        .map(([name, value]) => `--set ${name}=${value}`)
        .join(" ");
}

/** A line for an alarm that rings. */
function alarmRow({ name, state, reason }: Judgement): [string, string][] {
    return state === "ALARM" ? [["alarm", `${name} rings: ${reason}`]] : [];
}

/** A line for a node of the load balancer. */
function balancerRow({ zone, address, runs, targets }: Balancer): [string, string] {
    const where = `${zone}, ${address}`;
    if (!runs)
        return ["balancer", `${where} is down: \`npm run lab -- up\` starts it, \`logs balancer\` has its last words`];
    const machines = [...new Set(targets.map(({ machine }) => machine))].map((machine) => {
        const wrong = targets.filter((target) => target.machine === machine && target.health !== "healthy");
        const [first] = wrong;
        return first
            ? `${machine} ${first.health} (${wrong.map(({ port }) => port).join(", ")})`
            : `${machine} healthy`;
    });
    return ["balancer", `${where} runs: ${machines.join(", ") || "no machine"}`];
}

/** The places where the stack answers, the first outputs. */
const PLACES = ["publicUrl", "uiUrl", "opampUrl", "grpcEndpoint", "ipv4", "ipv6"];
/** For other tools, and long. --json has them. */
const UNSHOWN = ["checks"];

/** First where it answers and how to reach it, then what runs, and last what only a test needs. */
function print(found: Status): void {
    const { outputs, busy } = found;
    const running = Object.entries(found.services).map(([name, runs]) => `${name} ${runs ? "runs" : "is down"}`);
    const outputRows = (names: string[]) =>
        names.map((name): [string, string] => {
            const value = outputs[name];
            return [name, typeof value === "string" ? value : JSON.stringify(value)];
        });
    const others = Object.keys(outputs).filter((name) => ![...PLACES, ...UNSHOWN].includes(name));
    const rows: [string, string][] = [
        ...(busy ? [["busy", `\`lab ${busy.doing}\`, process ${busy.pid}`] as [string, string]] : []),
        ...outputRows(PLACES.filter((name) => name in outputs)),
        ...accessRows(found),
        ...machineRows(found),
        ...found.balancer.map(balancerRow),
        ...found.leftOver.map((id): [string, string] => ["left over", `${id}: made by an \`up\` that was killed`]),
        ...found.alarms.flatMap(alarmRow),
        ["services", running.join(", ") || "none"],
        ["package", found.package ?? "none"],
        ["lab", `slot ${found.slot}, ${found.directory}`],
        ...outputRows(others),
        ["corporate CA", corporateSettings(found.corporateAcme)],
    ];
    const width = Math.max(14, ...rows.map(([name]) => name.length + 2));
    for (const [name, value] of rows) console.log(`${name.padEnd(width)}${value}`);
    if (found.stages.length > 0) console.log(`\nThe last \`up\`:`);
    for (const { name, seconds } of found.stages) console.log(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
}

/** How to trust it, and how to log in. */
function accessRows({ outputs, caFile, machine, machines }: Status): [string, string][] {
    const rows: [string, string][] = [["CA file", caFile ?? "none"]];
    if (!machine) return rows;
    if (isUp(outputs) && caFile !== null) rows.push(["try it", curlCommand(requireOutputs(outputs), caFile)]);
    const name = machines && ` --machine ${Object.keys(machines)[0]}`;
    return [...rows, ["ssh", `npm run lab -- ssh${name ?? ""}`]];
}
