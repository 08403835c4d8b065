import { execa } from "execa";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { ServedUp, stepAtWork } from "./running-up.ts";
import { journal, lab, labOk, linkmeshInfo, onMachine, theLab, tryOnMachine } from "./lab.ts";

const NEWER = "1.101.1~standin";
const CUT = "1.101.2~standin";
const BROKEN = "1.101.3~standin";

/** Another version of LinkMesh: data and secret are kept, a copy is taken first, and what does not answer is taken back. */
export function linkmeshUpgrade(): void {
    const secret = () => onMachine("grep LINKMESH_SECRET /etc/default/linkmesh-server | sha256sum");
    const collectors = async () => {
        const call = `curl -s -H "Authorization: Bearer $(linkmesh-server token)" http://127.0.0.1:8080/api/v1/collectors`;
        return JSON.parse(await onMachine(call)) as unknown;
    };

    test("a newer package answers with the same data, secret and CA, and a copy of the data from before is kept", async () => {
        const before = { info: await linkmeshInfo(), secret: await secret(), collectors: await collectors() };
        const { file } = await buildPackage({ outDir: scratch(), version: NEWER });
        const run = await labOk("up", "--package", file);
        expect([...run.stdout.matchAll(/✓ step ([a-z-]+)/g)].map(([, name]) => name)).toEqual([
            "package",
            "install",
            "verify",
        ]);
        expect(await linkmeshInfo()).toEqual({ ...before.info, version: NEWER });
        expect({ secret: await secret(), collectors: await collectors() }).toEqual({
            secret: before.secret,
            collectors: before.collectors,
        });
        const copy = "/srv/linkmesh/before-upgrade";
        expect(await onMachine(`stat -c '%a %U' ${copy}; ls ${copy}/paths/var/lib/linkmesh`)).toMatch(
            /^700 root\n[^]*state\.db/,
        );
        expect(await onMachine("apt-mark showhold")).toBe("linkmesh-server");
    });

    test("an upgrade that a reboot interrupts is finished by the next up, with the data", async () => {
        const before = { info: await linkmeshInfo(), secret: await secret(), collectors: await collectors() };
        const { file } = await buildPackage({ outDir: scratch(), version: CUT });
        const up = new ServedUp(["--package", file]);
        try {
            await up.until(() => stepAtWork()?.name === "install");
            await up.until(
                async () => (await tryOnMachine("test -e /srv/linkmesh/before-upgrade/pending")).exitCode === 0,
            );
            await tryOnMachine("systemctl reboot --force --force");
            await up.ended;
        } finally {
            await up.close();
        }
        expect(up.exitCode).not.toBe(0);
        await labOk("up", "--package", file);
        expect(await linkmeshInfo()).toEqual({ ...before.info, version: CUT });
        expect({ secret: await secret(), collectors: await collectors() }).toEqual({
            secret: before.secret,
            collectors: before.collectors,
        });
        expect(await onMachine("ls /srv/linkmesh/before-upgrade/pending 2>/dev/null || true")).toBe("");
        await labOk("check");
    });

    test("if a package ruins the data and does not answer, the old package and the copy are put back", async () => {
        const before = { info: await linkmeshInfo(), secret: await secret(), collectors: await collectors() };
        const run = await lab("up", "--package", await brokenPackage(BROKEN));
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            new RegExp(
                `^error: step install: LinkMesh ${BROKEN} does not answer \\(it says: the data are mine now\\), so ${CUT} and what linkmeshDataPaths held are in place again: see`,
                "m",
            ),
        );
        expect({ info: await linkmeshInfo(), secret: await secret(), collectors: await collectors() }).toEqual(before);
        await labOk("check");
        // It did run, and on these data.
        expect(await journal("linkmesh-server")).toContain("the data are mine now");
    });

    test("an older package is refused before anything is touched", async () => {
        const run = await lab("up", "--package", "stand-in");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            /step package: LinkMesh 1\.101\.2~standin has written the data and 1\.101\.0~standin is older: .*nothing was changed/,
        );
        expect((await linkmeshInfo()).version).toBe(CUT);
    });

    test("the next good package is installed", async () => {
        const { file } = await buildPackage({ outDir: scratch(), version: CUT });
        await labOk("up", "--package", file);
        expect((await linkmeshInfo()).version).toBe(CUT);
        await labOk("check");
    });
}

export function scratch(): string {
    const directory = join(theLab().dir, "test-packages");
    mkdirSync(directory, { recursive: true });
    return directory;
}

/** A newer package whose server overwrites the database and ends. */
export async function brokenPackage(version: string): Promise<string> {
    const { file } = await buildPackage({ outDir: scratch(), version });
    const root = join(scratch(), "root");
    rmSync(root, { recursive: true, force: true });
    await execa("dpkg-deb", ["--raw-extract", file, root]);
    const program = "#!/bin/sh\necho 'the data are mine now' | tee /var/lib/linkmesh/state.db\nexit 1\n";
    writeFileSync(join(root, "usr/lib/linkmesh-server/linkmesh-server.cjs"), program, { mode: 0o755 });
    const broken = join(scratch(), "broken.deb");
    await execa("dpkg-deb", ["--build", "--root-owner-group", "-Zgzip", root, broken]);
    return broken;
}
