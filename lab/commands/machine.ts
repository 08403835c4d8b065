import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { machinesOf } from "../../checks/machines.ts";
import type { Target } from "../../checks/types.ts";
import { type Hop, writeSshConfig } from "../../checks/ssh-config.ts";
import { readOverrides } from "../engine/config.ts";
import { findPulumi } from "../engine/find-pulumi.ts";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { chooseMachine, chooseMachines } from "./machines.ts";
import { requireMachineUp } from "./paused.ts";
import { overridesFile } from "./session.ts";
import { checksOf, requireOutputs } from "./endpoints.ts";

/** How to log in to a machine. */
export interface Login {
    /** As "node-2". Undefined if the stack has one machine. */
    name?: string;
    /** The arguments of `ssh`, up to and including the destination. */
    args: string[];
}

/** The arguments of `ssh` for the lab's machine, or for the one with a name, up to and including the destination. */
export async function sshArguments(lab: Lab, name?: string): Promise<string[]> {
    return chooseMachine(await logins(lab), name).args;
}

/** How to log in to all machines of the stack. */
export async function logins(lab: Lab): Promise<Login[]> {
    await requireMachineUp(lab);
    const cli = await findPulumi(lab.cacheDir);
    if (!cli) throw new LabError("the Pulumi CLI that made this lab is gone: `npm run lab -- up` brings it back");
    const stack = new LabStack(lab, { command: cli.command });
    const machines = machinesOf(checksOf(requireOutputs(stack.outputs())));
    const { sshPrivateKey } = await stack.secretOutputs();
    const overrides = readOverrides(overridesFile(lab));
    const setting = (name: string) => overrides[`${stack.workspace.project}:${name}`] ?? stack.setting(name);
    const ownKey = setting("sshPrivateKey");
    const key = typeof sshPrivateKey === "string" ? sshPrivateKey : ownKey;
    if (typeof key !== "string") throw new LabError("the stack has no SSH key yet: `npm run lab -- up` finishes it");

    const bastion = await bastionIn(lab, setting);
    return machines.map(({ name, ssh }) => ({
        name,
        args: writeSshConfig(join(lab.dir, "ssh", name ?? ""), { ...ssh, key }, bastion),
    }));
}

/** The machines that a check asks: all, or the one with a name. */
export function askedMachines(all: readonly Login[], name?: string): Pick<Target, "ssh" | "nodes"> {
    const chosen = chooseMachines(all, name).map(({ name: machine, args }) => ({
        name: machine,
        ssh: ["ssh", ...args],
    }));
    const nodes = chosen.flatMap(({ name: machine, ssh }) => (machine === undefined ? [] : { name: machine, ssh }));
    return nodes.length > 0 ? { nodes } : { ssh: chosen[0]?.ssh };
}

/** The bastion in the settings. If it is the lab's own, its secrets come from the lab. */
async function bastionIn(lab: Lab, setting: (name: string) => unknown): Promise<Hop | undefined> {
    const text = (name: string) => {
        const value = setting(name);
        return typeof value === "string" ? value : undefined;
    };
    const host = text("bastionHost");
    if (!host) return undefined;
    const found = (await import("../bastion.ts")).findBastion(lab);
    const own = found?.host === host ? found : undefined;
    const user = text("bastionUser") ?? own?.user;
    const key = text("bastionPrivateKey") ?? (own && readFileSync(own.privateKeyFile, "utf8"));
    const hostKey = text("bastionHostKey") ?? own?.hostKey;
    if (!key || !hostKey) throw new LabError("bastionHost is set: set bastionPrivateKey and bastionHostKey too");
    return { host, user: user ?? "admin", key, hostKey };
}

/** Runs ssh in the foreground and returns the exit code of the remote command. */
export async function runSsh(
    lab: Lab,
    machine: string | undefined,
    command: string[],
    options: string[] = [],
): Promise<number> {
    const args = [...options, ...(await sshArguments(lab, machine)), ...(command.length > 0 ? ["--", ...command] : [])];
    const result = await execa("ssh", args, { stdio: "inherit", reject: false });
    if (result.exitCode === undefined && !result.signal)
        throw new LabError("there is no ssh on PATH: install openssh-client");
    return result.exitCode ?? 130;
}

/** Runs a command on the machine and returns its output. */
export async function askMachine(lab: Lab, command: string): Promise<{ exitCode: number; output: string }> {
    const result = await execa("ssh", [...(await sshArguments(lab)), "--", command], {
        all: true,
        reject: false,
        stdin: "ignore",
    });
    return { exitCode: result.exitCode ?? 255, output: String(result.all ?? "") };
}
