import { execa } from "execa";
import { afterEach, expect, test } from "vitest";
import { runningProcess, stopProcess } from "../../lab/process/process.ts";
import { acmeFault, setAcmeFault } from "../../lab/services/acme-front.ts";
import { servicePidFile } from "../../lab/services/service.ts";
import { startServices } from "../../lab/services/services.ts";
import { shortPauses } from "./pauses.ts";
import { ServedUp, stepAtWork } from "./running-up.ts";
import { lab, labOk, onMachine, servedSerial, theLab, tryOnMachine } from "./lab.ts";

/** Outages, temporary or permanent: `up` waits or fails with one sentence, and never leaves half a change. */
export function outages(): void {
    afterEach(async () => {
        setAcmeFault(theLab(), undefined);
        await labOk("check");
    });

    /** Makes the step config install a package. */
    const needsPackage = () => onMachine("apt-get -qq purge -y python3-ruamel.yaml 2>/dev/null");
    const METRICS = ["--set", 'linkmeshConfig={"metrics":{"enabled":true}}'];
    const PLAIN = ["--set", "linkmeshConfig="];

    test("if the data volume is full, up says so and the old file stays; once there is room, the next up goes on", async () => {
        const file = () => onMachine("sha256sum /etc/default/linkmesh-server");
        const before = await file();
        await onMachine(
            "mkdir /srv/linkmesh/filler && cd /srv/linkmesh/filler && i=0 && for size in 1G 64M 1M 4K; do while fallocate -l $size $i 2>/dev/null; do i=$((i + 1)); done; rm -f $i; done",
        );
        const set = ["--set", 'linkmeshEnvironment={"SMTP_HOST":"mail.example.test"}'];
        const run = await lab("up", ...set);
        await onMachine("rm -r /srv/linkmesh/filler");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(/^error: step environment: cannot write \/srv\/linkmesh\/\S+: is the disk full\?$/m);
        expect(await file()).toBe(before);
        await labOk("up", ...set);
        expect(await file()).not.toBe(before);
        await labOk("up", "--set", "linkmeshEnvironment=");
    });

    test("if the machine's own disk is full, the step says so and nothing changes", async () => {
        await labOk("up", "--set", "collectorsExpected=");
        await onMachine("mount -t tmpfs -o size=16k tmpfs /tmp && head -c 16k /dev/zero >/tmp/filler || true");
        const run = await lab("up", "--set", "collectorsExpected=60000");
        await onMachine("umount /tmp");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(/^error: step nginx: cannot write in \/tmp: is the disk full\?$/m);
        expect(await onMachine("grep -c 'max_fails=0;' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe("1");
        await labOk("up", "--set", "collectorsExpected=");
    });

    test("another package manager at work is waited for", async () => {
        await needsPackage();
        const hold = `import fcntl, time
files = [open(f"/var/lib/{name}", "w") for name in ("apt/lists/lock", "dpkg/lock-frontend")]
for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/locked", "w")
time.sleep(3600)`;
        await onMachine(
            `systemd-run --quiet --unit locks python3 -c '${hold}'; until [ -e /run/locked ]; do sleep 0.1; done`,
        );
        const pauses = await shortPauses(() =>
            cured(
                METRICS,
                async () => (await tryOnMachine("grep -qs 'Could not get lock' /tmp/*/apt.log")).exitCode === 0,
                () => onMachine("systemctl stop locks"),
            ),
        );
        expect(pauses[0]).toBe(10);
        await labOk("up", ...PLAIN);
    });

    test("a package mirror that cannot be reached for a while is waited for", async () => {
        await needsPackage();
        const refused = async () =>
            Number(await onMachine("awk '/^Tcp:/ { n = $8 } END { print n }' /proc/net/snmp # AttemptFails"));
        await stopProcess(servicePidFile(theLab(), "apt-cache"));
        const before = await refused();
        await cured(
            METRICS,
            async () => stepAtWork()?.name === "config" && (await refused()) > before,
            () => startServices(theLab(), () => undefined),
        );
        await labOk("up", ...PLAIN);
    });

    test("a busy certificate authority (503) is asked again", async () => {
        setAcmeFault(theLab(), { status: 503, times: 2 });
        const pauses = await shortPauses(() => labOk("up", "--set", "acmeDirectory=staging"));
        expect(pauses).toEqual([10, 20]);
        expect(acmeFault(theLab()), "what is left of the fault").toBeUndefined();
    });

    test("if the certificate authority refuses because of a limit (429), up prints its date and the old certificate stays", async () => {
        const before = await servedSerial();
        setAcmeFault(theLab(), { status: 429 });
        const run = await lab("up", "--set", "acmeDirectory=production");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            /^error: step certificate: the certificate authority gave no certificate for linkmesh\.example\.test: too many certificates .*retry after .*: wait, or set acmeDirectory to staging meanwhile\.$/m,
        );
        expect(await servedSerial()).toBe(before);
        // What was not issued does not count.
        expect(await onMachine("grep -c acme-v02 /srv/linkmesh/identity/orders || true")).toBe("0");
        // The certificate in use is still the one that the timer renews.
        const inUse = await onMachine(
            "sed -n 's|.*live/\\(.*\\)/fullchain.*|\\1|p' /etc/nginx/linkmesh/current/http-linkmesh.conf",
        );
        expect(await onMachine("grep -L 'autorenew = False' /etc/letsencrypt/renewal/*.conf || true")).toBe(
            `/etc/letsencrypt/renewal/${inUse}.conf`,
        );
        await labOk("up", "--set", "acmeDirectory=");
    });

    test("a late DNS answer is waited for", async () => {
        const dns = runningProcess(servicePidFile(theLab(), "knot"))!;
        const unanswered = async () => {
            const { stdout } = await execa("ss", ["-H", "--udp", "--all", "--numeric", "src", theLab().net.dns]);
            return stdout.split("\n").some((line) => Number(line.split(/\s+/)[1]) > 0);
        };
        process.kill(dns.pid, "SIGSTOP");
        try {
            await cured(
                ["--replace", "linkmesh-reachable"],
                async () => stepAtWork()?.name === "reachable" && (await unanswered()),
                () => Promise.resolve(process.kill(dns.pid, "SIGCONT")),
            );
        } finally {
            process.kill(dns.pid, "SIGCONT");
        }
    });
}

/** An `up` that meets a fault, seen by its trace, and succeeds once that is gone. */
async function cured(args: string[], met: () => Promise<boolean>, cure: () => Promise<unknown>): Promise<void> {
    const up = new ServedUp(args);
    try {
        await up.until(met);
        await cure();
        await up.ended;
        expect(up.exitCode, up.stderr).toBe(0);
    } finally {
        await up.close();
    }
}
