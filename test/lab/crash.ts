import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { killAll, processesOfLab } from "../../lab/cloud/process.ts";
import { labOk, linkmeshInfo, onMachine, status, theLab } from "./lab.ts";

/** What was cut is finished by the next `up`, and nothing of the identity is lost on the way. */
export function crash(): void {
    const identity = async () => ({
        serial: await onMachine("openssl x509 -noout -serial -in /etc/letsencrypt/live/linkmesh.example.test/cert.pem"),
        ca: (await linkmeshInfo()).caFingerprint,
        addresses: [(await status()).outputs.ipv4, (await status()).outputs.ipv6],
    });

    test.each([4, 7])("up killed with SIGKILL after %i s: the next one converges", async (seconds) => {
        const before = await identity();
        const set = ["--set", `collectorsExpected=${seconds * 10_000}`];
        const child = spawn(process.execPath, ["--import", "tsx", "lab/cli.ts", "up", ...set], {
            cwd: join(import.meta.dirname, "../.."),
            detached: true,
            stdio: "ignore",
        });
        await sleep(seconds * 1000);
        process.kill(-child.pid!, "SIGKILL");
        await labOk("up", ...set);
        expect(await onMachine("grep -c max_fails /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe(
            String(Math.ceil((seconds * 10_000) / 28_000)),
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
