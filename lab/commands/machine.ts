import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type Hop, writeSshConfig } from "../../checks/ssh-config.ts";
import { readOverrides } from "../engine/config.ts";
import { findPulumi } from "../engine/find-pulumi.ts";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { requireMachineUp } from "./paused.ts";
import { overridesFile } from "./session.ts";
import { checksOf, requireOutputs } from "./endpoints.ts";

/** The arguments of `ssh` for the lab's machine, up to and including the destination. */
export async function sshArguments(lab: Lab): Promise<string[]> {
    await requireMachineUp(lab);
    const cli = await findPulumi(lab.cacheDir);
    if (!cli) throw new LabError("the Pulumi CLI that made this lab is gone: `npm run lab -- up` brings it back");
    const stack = new LabStack(lab, { command: cli.command });
    const { ssh } = checksOf(requireOutputs(stack.outputs()));
    const { sshPrivateKey } = await stack.secretOutputs();
    const overrides = readOverrides(overridesFile(lab));
    const setting = (name: string) => overrides[`${stack.workspace.project}:${name}`] ?? stack.setting(name);
    const ownKey = setting("sshPrivateKey");
    const key = typeof sshPrivateKey === "string" ? sshPrivateKey : ownKey;
    if (typeof key !== "string") throw new LabError("the stack has no SSH key yet: `npm run lab -- up` finishes it");

    return writeSshConfig(join(lab.dir, "ssh"), { ...ssh, key }, await bastionIn(lab, setting));
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
export async function runSsh(lab: Lab, command: string[], options: string[] = []): Promise<number> {
    const args = [...options, ...(await sshArguments(lab)), ...(command.length > 0 ? ["--", ...command] : [])];
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
