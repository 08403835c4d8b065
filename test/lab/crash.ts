import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { killAll, processesOfLab } from "../../lab/cloud/process.ts";
import { engineLocks, workspaceOf } from "../../lab/engine/workspace.ts";
import { labOk, linkmeshInfo, onMachine, status, theLab } from "./lab.ts";

/** What was cut is finished by the next `up`, and nothing of the identity is lost on the way. */
export function crash(): void {
    const identity = async () => ({
        serial: await onMachine("openssl x509 -noout -serial -in /etc/letsencrypt/live/linkmesh.example.test/cert.pem"),
        ca: (await linkmeshInfo()).caFingerprint,
        addresses: [(await status()).outputs.ipv4, (await status()).outputs.ipv6],
    });

    // Moments that every run comes by, whatever the machine's speed: the engine holds the stack, or a step is under way.
    test.each<[string, number, (stdout: string) => boolean]>([
        ["as soon as the engine holds the stack", 40_000, () => engines().length > 0],
        ["while the step proxy runs", 70_000, (stdout) => /✓ step nginx/.test(stdout)],
    ])("up and its engine killed with SIGKILL %s: the next one converges", async (_, collectors, moment) => {
        const before = await identity();
        const set = ["--set", `collectorsExpected=${collectors}`];
        await killedUp(set, moment);
        await labOk("up", ...set);
        expect(await onMachine("grep -c max_fails /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe(
            String(Math.ceil(collectors / 28_000)),
        );
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        expect(await identity()).toEqual(before);
    });

    test("a machine of another type takes its place: same addresses, names, secret, internal CA, certificate", async () => {
        const before = { ...(await identity()), machine: await onMachine("cat /etc/machine-id") };
        const run = await labOk("up", "--set", "instanceType=t3.medium");
        expect(run.stdout).toMatch(/✓ program: \d+ replaced/);
        const after = { ...(await identity()), machine: await onMachine("cat /etc/machine-id") };
        expect(after.machine).not.toBe(before.machine);
        expect({ ...after, machine: "" }).toEqual({ ...before, machine: "" });
    });

    test("every process of the lab killed at once, as by a power cut: up brings the same machine back", async () => {
        const before = await identity();
        const pids = processesOfLab(theLab());
        expect(pids.length).toBeGreaterThan(3);
        await killAll(pids);
        const run = await labOk("up");
        expect(run.stdout).toMatch(/✓ program: no change/);
        expect(await identity()).toEqual(before);
    });
}

/** The engines that hold the stack of the tests' lab, by process id. */
function engines(): number[] {
    return engineLocks(workspaceOf(theLab())).map(({ pid }) => pid);
}

/** Starts `lab up` and kills it, and the engine that it has started, at a moment of its own output or of the stack. */
async function killedUp(args: string[], moment: (stdout: string) => boolean): Promise<void> {
    const child = spawn(process.execPath, ["--import", "tsx", "lab/cli.ts", "up", ...args], {
        cwd: join(import.meta.dirname, "../.."),
        detached: true,
        stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    while (!moment(stdout)) {
        if (child.exitCode !== null) throw new Error(`up ended before it could be cut:\n${stdout}`);
        await sleep(5);
    }
    const pids = engines();
    // The engine first: without the process that it works for it would end by itself.
    for (const pid of pids) process.kill(pid, "SIGKILL");
    process.kill(-child.pid!, "SIGKILL");
    expect(pids, `an engine at work\n${stdout}`).toHaveLength(1);
    expect(await ended).toEqual([null, "SIGKILL"]);
}
