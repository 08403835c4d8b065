import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LAB_DOMAIN } from "../../lab/lab.ts";
import { changeCloud, cloud, onMachine } from "./lab.ts";
import { type Run, succeeded } from "./run.ts";

/** Updates may wait: the distribution publishes them at any time, also after the image was built. */
const NONE = new RegExp(`^the stack: no drift\n\n${LAB_DOMAIN}(: no drift|\n! updates .*\n .*)$`);

/**
 * `npm run drift` and `npm run doctor` on the stack itself, with plain pulumi.
 * @param inLab runs commands in a shell that has evaluated what `lab env` prints
 */
export function drift(inLab: (commands: string) => Promise<Run>): void {
    // A stand-in for the AWS CLI, which knows no snapshots.
    const aws = mkdtempSync(join(tmpdir(), "linkmesh-aws-"));
    writeFileSync(join(aws, "aws"), `#!/bin/sh\necho '{"Snapshots":[]}'\n`, { mode: 0o755 });
    afterAll(() => rmSync(aws, { recursive: true }));

    test("npm run drift finds none, and then a record that was deleted and a file that was edited", async () => {
        const driftOf = (flags = "") => inLab(`PATH=${aws}:$PATH; npm run --silent drift -- ${flags}`);
        expect(succeeded(await driftOf())).toMatch(NONE);

        const [id, record] = Object.entries(cloud().records).find(([, { type }]) => type === "AAAA")!;
        await changeCloud((state) => void delete state.records[id]);
        await onMachine("cp -a /etc/fstab /root/ && sed -i 's/nofail/auto/' /etc/fstab");
        const found = await driftOf("--stack lab --markdown");
        await changeCloud((state) => void (state.records[id] = record));
        await onMachine("cp -a /root/fstab /etc/fstab");
        expect(found.exitCode, found.stderr).toBe(1);
        expect(found.stdout).toMatch(
            /\| ❌ \| preview \| Record linkmesh-\S+ would be created<br>→ see it with pulumi preview/,
        );
        expect(found.stdout).toMatch(
            /\| ❌ \| files \| the part of \/etc\/fstab between the marks of linkmesh-proxy was edited/,
        );
    });

    test("npm run doctor takes the machine and the login from the stack", async () => {
        const run = await inLab(`PATH=${aws}:$PATH; npm run --silent doctor -- --stack lab --json`);
        const { hosts } = JSON.parse(succeeded(run)) as { hosts: { host: string; ok: boolean }[] };
        expect(hosts).toMatchObject([{ host: LAB_DOMAIN, ok: true }]);
        expect(run.stdout + run.stderr).not.toContain("PRIVATE KEY");
    });
}
