import { Resolver } from "node:dns/promises";
import { expect, test } from "vitest";
import { Reconciler } from "../../lab/cloud/reconciler.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { openSession } from "../../lab/commands/session.ts";
import { LabStack } from "../../lab/engine/stack.ts";
import { cloud, identity, lab, labOk, onMachine, status, theLab } from "./lab.ts";

/** What keeps a host over the years: pause, protection, snapshots. And what must not replace its data. */
export function keptData(): void {
    test("pausing removes the machine and keeps addresses, names and data volume; afterwards the same host is back", async () => {
        const before = await identity();
        const { volumes } = cloud();
        const run = await labOk("up", "--set", "paused=true");
        expect(run.stdout).toMatch(/paused/);
        expect(cloud().instances).toEqual({});
        expect(Object.keys(cloud().volumes)).toEqual(Object.keys(volumes));
        const { host, outputs } = await status();
        const resolver = new Resolver();
        resolver.setServers([theLab().net.dns]);
        expect(await resolver.resolve4(host)).toEqual([outputs.ipv4]);
        expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
        const check = await lab("check");
        expect(check.exitCode).not.toBe(0);
        expect(check.stderr).toMatch(/^error: .*paused.*paused=false/m);

        await labOk("up", "--set", "paused=false");
        expect(await identity()).toEqual(before);
    });

    test("a protected stack is destroyed neither by the lab nor by the engine without a preview, and nothing is touched", async () => {
        const isProtected = () => new LabStack(theLab(), { command: "" }).isProtected;
        await labOk("up", "--set", "protect=true");
        expect(isProtected()).toBe(true);
        for (const args of [["destroy"], ["destroy", "--stack"]]) {
            const run = await lab(...args);
            expect(run.exitCode).not.toBe(0);
            expect(run.stderr).toMatch(/^error: .*protected by the setting protect: lift it with .*protect=false/m);
        }
        const session = await openSession(theLab(), () => undefined);
        await expect(session.stack.destroy()).rejects.toThrow(/linkmesh-setting-protect/);
        await session.close();
        await labOk("check");
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        // The engine sees no change of a resource.
        expect((await labOk("up", "--set", "protect=false")).stdout).toMatch(/✓ program: no change/);
        expect(isProtected()).toBe(false);
    });

    test("daily snapshots are kept in the number that is set, each with the stack's tag", async () => {
        await labOk("up", "--set", "dailySnapshots=2");
        for (const text of ["first", "second", "third"]) {
            await onMachine(`echo ${text} >/var/lib/linkmesh/marker`);
            await labOk("snapshot");
        }
        await onMachine("echo ruined >/var/lib/linkmesh/marker");
        const { snapshots, tags, volumes } = cloud();
        expect(Object.values(snapshots).map((snapshot) => snapshot.volumeId)).toEqual(
            Array(2).fill(Object.keys(volumes)[0]),
        );
        for (const id of Object.keys(snapshots))
            expect(tags![id]!["linkmesh-proxy"]).toBe("linkmesh-proxy/lab/linkmesh");
    });

    test("one command puts the newest snapshot in place of the data volume: a new machine has the state of that moment", async () => {
        const before = { ...(await identity()), volume: Object.keys(cloud().volumes) };
        await labOk("up", "--set", "restoreFrom=latest", "--replace", "linkmesh-machine-data");
        expect(await onMachine("cat /var/lib/linkmesh/marker")).toBe("third");
        expect({ ...(await identity()), volume: before.volume }).toEqual(before);
        expect(Object.keys(cloud().volumes)).not.toEqual(before.volume);
        await labOk("check");
        // After the restore, the setting has no effect, whichever snapshot is the newest.
        await labOk("snapshot");
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        await labOk("up", "--set", "restoreFrom=", "--set", "dailySnapshots=0");
    });

    test("a snapshot that does not exist or belongs to another stack is refused before anything is touched", async () => {
        const missing = await lab("up", "--set", "restoreFrom=snap-0404", "--replace", "linkmesh-machine-data");
        expect(missing.exitCode).not.toBe(0);
        expect(missing.stderr).toMatch(/^error: restoreFrom: there is no completed snapshot snap-0404/m);

        const [id] = Object.keys(cloud().snapshots);
        const store = new CloudStore(theLab(), new Reconciler(theLab()));
        await store.change((state) => void (state.tags![id!]!["linkmesh-proxy"] = "linkmesh-proxy/other/linkmesh"));
        const foreign = await lab("up", "--set", `restoreFrom=${id}`, "--replace", "linkmesh-machine-data");
        expect(foreign.exitCode).not.toBe(0);
        expect(foreign.stderr).toMatch(/^error: restoreFrom: snap-\S+ belongs to linkmesh-proxy\/other\/linkmesh\. /m);
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        await labOk("check");
    });

    test("a data volume with another host's identity or a foreign file system is left alone", async () => {
        const file = "/srv/linkmesh/identity/host";
        await onMachine(
            `cp -a ${file} /root/host; printf 'linkmesh-proxy/other/linkmesh\\nother.example.com\\n' >${file}`,
        );
        const run = await lab("up", "--replace", "linkmesh-machine-instance");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            /^error: step volume: the data volume \S+ holds the data of other\.example\.com \(stack linkmesh-proxy\/other\/linkmesh\), not of linkmesh\.example\.test .*nothing on it was touched/m,
        );
        expect(await onMachine("mountpoint -q /srv/linkmesh || echo not mounted")).toBe("not mounted");

        const device = "/dev/disk/by-id/nvme-*_1";
        await onMachine(`e2label ${device} somebody`);
        const foreign = await lab("up");
        expect(foreign.exitCode).not.toBe(0);
        expect(foreign.stderr).toMatch(
            /^error: step volume: the data volume \S+ holds a file system \(ext4\) that is not LinkMesh's: nothing on it was touched/m,
        );
        await onMachine(
            `e2label ${device} linkmesh-data && mkdir -p /mnt/v && mount ${device} /mnt/v && printf 'linkmesh-proxy/lab/linkmesh\\nlinkmesh.example.test\\n' >/mnt/v/identity/host && umount /mnt/v`,
        );
        await labOk("up");
        await labOk("check");
    });
}
