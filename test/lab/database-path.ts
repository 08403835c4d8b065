import { expect, test } from "vitest";
import { lab, labOk, linkmeshInfo, onMachine } from "./lab.ts";

const database = (boltPath: string) => ["--set", `linkmeshConfig={"storage":{"boltPath":"${boltPath}"}}`];

/** Where LinkMesh's database is. */
export function databasePath(): void {
    const config = () => onMachine("cat /etc/linkmesh/config.yaml");

    test("a database that would lie on the machine's own disk is found by the files that LinkMesh has open, and rolled back", async () => {
        const before = { config: await config(), ca: (await linkmeshInfo()).caFingerprint };
        // The settings' rules find a wrong path. Only the machine knows about a link.
        await onMachine("mkdir /opt/lm && chown linkmesh: /opt/lm && ln -s /opt/lm /var/lib/linkmesh/elsewhere");
        const run = await lab("up", ...database("/var/lib/linkmesh/elsewhere/state.db"));
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toMatch(
            /^error: step config: LinkMesh writes \/opt\/lm\/state\.db, which is not on the data volume and would go with the machine, so the old config\.yaml is in place again: set linkmeshConfig to a place below linkmeshDataPaths, or add \/opt\/lm to linkmeshDataPaths, and run pulumi up again/m,
        );
        expect({ config: await config(), ca: (await linkmeshInfo()).caFingerprint }).toEqual(before);
        await labOk("check");
        await labOk("up", "--set", "linkmeshConfig=");
        await onMachine("rm -r /opt/lm /var/lib/linkmesh/elsewhere");
    });

    test("another database on the volume gets the gRPC name in its certificate, and the way back leads to the first database", async () => {
        const { caFingerprint } = await linkmeshInfo();
        await labOk("up", ...database("/var/lib/linkmesh/other/state.db"));
        expect((await linkmeshInfo()).caFingerprint).not.toBe(caFingerprint);
        await labOk("check");
        await labOk("up", "--set", "linkmeshConfig=");
        expect((await linkmeshInfo()).caFingerprint).toBe(caFingerprint);
        await labOk("check");
        await onMachine("rm -r /var/lib/linkmesh/other");
    });
}
