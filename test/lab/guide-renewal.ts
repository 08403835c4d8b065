import { afterAll, beforeAll, expect, test } from "vitest";
import { CERTBOT, labOk, onMachine, status, tryOnMachine } from "./lab.ts";
import { makeDue, renewalFile } from "./renewal-file.ts";

const LINEAGE = "guide";
const RENEWAL_FILE = `/etc/letsencrypt/renewal/${LINEAGE}.conf`;

/** LinkMesh's guide to the letter, beside the program's own lineage: a certificate by --standalone is never renewed. */
export function guideRenewal(): void {
    let host: string;
    let directory: string;
    let before: string;
    const state = () =>
        onMachine(
            "ls /etc/letsencrypt/renewal /etc/letsencrypt/live /etc/letsencrypt/archive; " +
                "systemctl show --property=Result,ExecMainStartTimestamp certbot.service",
        );
    const certbot = (args: string) => tryOnMachine(`${CERTBOT} ${args}`);
    const serial = () => onMachine(`openssl x509 -noout -serial -in /etc/letsencrypt/live/${LINEAGE}/cert.pem`);

    beforeAll(async () => {
        ({ host } = await status());
        directory = await onMachine(`sed -n 's/^server = //p' ${await renewalFile()}`);
        before = await state();
    });
    afterAll(async () => {
        await onMachine(`systemctl start nginx; certbot delete --non-interactive --cert-name ${LINEAGE}`);
        expect(await state()).toBe(before);
        await labOk("check");
    });

    test("the first certificate is issued while nginx is stopped; its deploy hook fails without an effect on the exit code", async () => {
        await onMachine("systemctl stop nginx");
        const issued = await certbot(
            `certonly --standalone -d ${host} --cert-name ${LINEAGE} --server ${directory} ` +
                '--agree-tos -m you@example.com --non-interactive --deploy-hook "systemctl reload nginx"',
        );
        await onMachine("systemctl start nginx");
        expect(issued.exitCode, issued.stderr).toBe(0);
        expect(issued.stdout + issued.stderr).toMatch(/nginx\.service is not active, cannot reload/);
    });

    test("its renewal by the timer's service fails, because nginx holds port 80", async () => {
        await makeDue(RENEWAL_FILE);
        const first = await serial();
        const run = await certbot(`-q renew --no-random-sleep-on-renew --cert-name ${LINEAGE}`);
        expect({ ...run, serial: await serial() }).toMatchObject({
            stderr: expect.stringContaining("Could not bind TCP port 80") as string,
            exitCode: 1,
            serial: first,
        });
    });
}
