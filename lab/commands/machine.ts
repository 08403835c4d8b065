import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { readOverrides } from "../engine/config.ts";
import { findPulumi } from "../engine/cli-binary.ts";
import { LabStack } from "../engine/stack.ts";
import { type Lab, LabError } from "../lab.ts";
import { requireMachineUp } from "./paused.ts";
import { overridesFile } from "./session.ts";
import { requireOutputs } from "./surfaces.ts";

/** How to reach the lab's machine: the arguments of `ssh` up to and including the destination. */
export async function sshArguments(lab: Lab): Promise<string[]> {
    await requireMachineUp(lab);
    const cli = await findPulumi(lab.cacheDir);
    if (!cli) throw new LabError("the Pulumi CLI that made this lab is gone: `npm run lab -- up` brings it back");
    const stack = new LabStack(lab, { command: cli.command });
    const { ipv4, sshCommand } = requireOutputs(stack.outputs());
    const user = /(\S+)@/.exec(sshCommand)?.[1] ?? "admin";
    const { sshPrivateKey, sshHostKey } = await stack.secretOutputs();
    const ownKey = readOverrides(overridesFile(lab))[`${stack.workspace.project}:sshPrivateKey`];
    const key = typeof sshPrivateKey === "string" ? sshPrivateKey : ownKey;
    if (!key || typeof sshHostKey !== "string")
        throw new LabError("the stack has no SSH key yet: `npm run lab -- up` finishes it");

    const dir = join(lab.dir, "ssh");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const keyFile = join(dir, "id");
    const knownHosts = join(dir, "known_hosts");
    writeFileSync(keyFile, `${key.trimEnd()}\n`, { mode: 0o600 });
    writeFileSync(knownHosts, `${ipv4} ${sshHostKey.trim()}\n`, { mode: 0o600 });
    const options = [
        "IdentitiesOnly=yes",
        `UserKnownHostsFile=${knownHosts}`,
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "ConnectTimeout=10",
        "LogLevel=ERROR",
    ];
    // The user's own ~/.ssh/config must not lead the connection elsewhere.
    return ["-F", "none", "-i", keyFile, ...options.flatMap((option) => ["-o", option]), `${user}@${ipv4}`];
}

/** Runs ssh in the foreground and returns its exit code, that of the remote command. */
export async function runSsh(lab: Lab, command: string[], options: string[] = []): Promise<number> {
    const args = [...options, ...(await sshArguments(lab)), ...(command.length > 0 ? ["--", ...command] : [])];
    const result = await execa("ssh", args, { stdio: "inherit", reject: false });
    if (result.exitCode === undefined && !result.signal)
        throw new LabError("there is no ssh on PATH: install openssh-client");
    return result.exitCode ?? 130;
}

/** Runs a command on the machine and gives its output. */
export async function askMachine(lab: Lab, command: string): Promise<{ exitCode: number; output: string }> {
    const result = await execa("ssh", [...(await sshArguments(lab)), "--", command], {
        all: true,
        reject: false,
        stdin: "ignore",
    });
    return { exitCode: result.exitCode ?? 255, output: String(result.all ?? "") };
}
