import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { servedSerial } from "../../lab/commands/renew.ts";
import { Clients } from "./clients.ts";
import { journal, lab, labOk, onMachine, status, theLab, tryOnMachine, vitals } from "./lab.ts";
import { forgetAccounts, makeDue, makeNotDue, renewalFile } from "./renewal-file.ts";
import { Load } from "./client-load.ts";
import type { Run } from "./run.ts";

const SESSIONS = 200;
const STREAMS = 20;
const REQUESTS = 1000;
/** Before the renewal starts, and after the new certificate is served. */
const AROUND = 200;
/** Somebody else's site. */
const FOREIGN = "/etc/nginx/sites-enabled/foreign";

/** The timer's own service renews while clients work, and `check` reports failures. */
export function renewal(): void {
    let file: string;
    let found: Awaited<ReturnType<typeof status>>;
    beforeAll(async () => {
        file = await renewalFile();
        found = await status();
    });
    afterAll(async () => {
        await makeNotDue(file);
        await onMachine(`nft delete table inet shut 2>/dev/null; rm -f ${FOREIGN}; systemctl start certbot.timer`);
    });
    const serial = () => servedSerial(theLab(), found.outputs);
    const orders = async () => Number(await onMachine("wc -l </srv/linkmesh/identity/orders"));
    const reloads = async () => [...(await journal("nginx")).matchAll(/^Reloaded/gm)].length;

    test("no request fails, no session or stream is dropped, one reload, the new certificate is served", async () => {
        await makeDue(file);
        const before = { serial: await serial(), reloads: await reloads(), nginx: (await vitals()).nginx };
        const ordered = await orders();
        const load = new Load(new Clients(found), await onMachine("linkmesh-server token"));
        await load.start({ sessions: SESSIONS, streams: STREAMS });
        await load.requestsMade(AROUND);
        const started = Date.now();
        const asked = load.requests;
        await onMachine("systemctl start certbot.service");
        while ((await serial()) === before.serial) await sleep(100);
        const seconds = (Date.now() - started) / 1000;
        const during = load.requests - asked;
        await load.requestsMade(Math.max(REQUESTS, load.requests + AROUND));
        const echoed = await load.stop();
        const after = { serial: await serial(), reloads: await reloads(), nginx: (await vitals()).nginx };
        console.log(
            `renewal: ${seconds.toFixed(1)} s; requests: ${load.requests}, while it ran ${during}, failed ${load.failed.length}; ` +
                `sessions: ${SESSIONS}, streams: ${STREAMS}, dropped ${load.dropped.size}; ` +
                `reloads of nginx: ${after.reloads - before.reloads}`,
        );

        expect(load.failed).toEqual([]);
        expect([...load.dropped]).toEqual([]);
        expect(echoed).toBe(SESSIONS + STREAMS);
        expect(load.requests).toBeGreaterThanOrEqual(REQUESTS);
        expect(after.serial).not.toBe(before.serial);
        const onDisk = file.replace("/renewal/", "/live/").replace(/\.conf$/, "/cert.pem");
        expect(await onMachine(`openssl x509 -noout -serial -in ${onDisk}`)).toBe(`serial=${after.serial}`);
        expect(after.reloads - before.reloads).toBe(1);
        expect(after.nginx).toBe(before.nginx);
        // It counts against the authority's limit like any other.
        expect(await orders()).toBe(ordered + 1);
        expect((await labOk("check")).stdout).toMatch(/✓ renewal .*the last run .* was successful, next/);
    });

    test("check sees a failed renewal while the endpoints answer, and passes after the next good run", async () => {
        await makeNotDue(file);
        await makeDue(file);
        // The machine's way to the ACME server is closed.
        await onMachine(
            "nft add table inet shut; nft 'add chain inet shut out { type filter hook output priority 0; }'; " +
                "nft add rule inet shut out oifname != lo tcp dport '{ 443, 14000 }' reject",
        );
        expect((await tryOnMachine("systemctl start certbot.service")).exitCode).toBe(1);
        let failed: Run;
        const names = async () => {
            failed = await lab("check");
            return [...new Set([...failed.stdout.matchAll(/✗ (\w+)/g)].map(([, name]) => name))];
        };
        // nginx keeps the health URL's answer for 2 seconds.
        await expect.poll(names, { timeout: 120_000 }).toEqual(["health", "renewal"]);
        expect(failed!.stdout).toMatch(/✗ renewal .*the last renewal run, .*, failed \(exit-code, status 1\)/);
        expect(failed!.exitCode).toBe(1);

        await onMachine("nft delete table inet shut && systemctl start certbot.service");
        await labOk("check");
    });

    test("if nginx refuses a foreign site at the renewal, check sees the old certificate, and the machine reloads later", async () => {
        const unit = "linkmesh-proxy-certificate";
        await makeNotDue(file);
        await makeDue(file);
        const before = await serial();
        await onMachine(`echo 'server { no_such_directive on; }' >${FOREIGN} && systemctl start certbot.service`);
        expect(await onMachine("systemctl show --property=Result --value certbot.service")).toBe("success");
        expect(await serial()).toBe(before);
        const seen = await lab("check");
        expect(seen.stdout).toMatch(
            /✗ served .*nginx serves the certificate with serial [0-9a-f]+, but \S+\/fullchain\.pem holds [0-9a-f]+: its reload failed/,
        );
        expect(seen.exitCode).toBe(1);
        expect(await onMachine(`systemctl is-failed ${unit}.service`)).toBe("failed");
        expect(await journal(unit)).toMatch(
            /^error: nginx does not serve .* refuses its configuration: .*no_such_directive/m,
        );

        // The timer's own run, four times an hour.
        expect(await onMachine(`systemctl show --property=ActiveState,TimersCalendar ${unit}.timer`)).toMatch(
            /OnCalendar=\*-\*-\* \*:00\/15:00 .*\n?ActiveState=active|ActiveState=active\n?.*OnCalendar=\*-\*-\* \*:00\/15:00/,
        );
        await onMachine(`rm ${FOREIGN} && systemctl start ${unit}.service`);
        expect(await serial()).not.toBe(before);
        expect((await labOk("check")).stdout).toMatch(/✓ served .*nginx serves the certificate on the disk/);
    });

    test("if the authority lost its accounts, check says how to register again, and that works", async () => {
        const accounts = () => onMachine("cd /etc/letsencrypt/accounts && ls -d */*/*");
        await makeNotDue(file);
        await makeDue(file);
        const [lost, before] = [await accounts(), await serial()];
        await forgetAccounts(theLab());
        expect((await tryOnMachine("systemctl start certbot.service")).exitCode).toBe(1);
        const seen = await lab("check");
        expect(seen.stdout).toMatch(
            /✗ renewal .*accountDoesNotExist.*\n +the authority does not know the machine's account: register again: `pulumi up --replace '\*\*linkmesh-certificate'`/,
        );

        const run = await labOk("up", "--replace", "linkmesh-certificate");
        expect(run.stdout).toMatch(
            /! step certificate: .*does not know this machine's account any more, so a new one is registered/,
        );
        expect(await serial()).not.toBe(before);
        expect((await accounts()).split("\n")).toHaveLength(2);
        expect(await accounts()).toContain(lost.replace("/dir/", "/dir.lost/"));
        // The timer goes on with the new account.
        await onMachine("systemctl start certbot.service");
        await labOk("check");
        await onMachine("rm -r /etc/letsencrypt/accounts/*/*.lost");
    });

    test("check sees a stopped timer", async () => {
        await onMachine("systemctl stop certbot.timer");
        const stopped = await lab("check");
        expect(stopped.stdout).toMatch(/✗ renewal .*certbot\.timer is enabled and inactive/);
        expect(stopped.exitCode).toBe(1);
        await onMachine("systemctl start certbot.timer");
        await labOk("check");
    });
}
