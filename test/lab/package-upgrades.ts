import { afterAll, beforeAll, expect, test } from "vitest";
import { Clients, exchange } from "./clients.ts";
import { journal, lab, labOk, mainPid, onMachine, status } from "./lab.ts";

const EXCEPTION = "/etc/needrestart/conf.d/linkmesh-proxy.conf";
const APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -q";
/** A library with another inode is what a security update leaves: all that runs has the old one open. */
const UPDATE_OPENSSL =
    "for lib in /usr/lib/*-linux-gnu/libssl.so.3; do lib=$(readlink -f $lib); cp -a $lib $lib.new; mv $lib.new $lib; done";
const MIB = 1024 * 1024;

/** Months without an operator: packages are upgraded, and logs grow. */
export function packageUpgrades(): void {
    let socket: Awaited<ReturnType<Clients["opamp"]>>;
    let before: { nginx: string; linkmesh: string };
    const services = async () => ({ nginx: await mainPid("nginx"), linkmesh: await mainPid("linkmesh-server") });
    const stillOpen = async () => (await exchange(socket, Buffer.from("still here"))).toString();
    beforeAll(async () => {
        socket = await new Clients(await status()).opamp(await onMachine("linkmesh-server token"));
        await onMachine(`NEEDRESTART_SUSPEND=1 ${APT} install --no-install-recommends needrestart; ${UPDATE_OPENSSL}`);
        before = await services();
    });
    afterAll(async () => {
        socket.terminate();
        await onMachine(`${APT} remove needrestart`);
    });

    test("needrestart and check find both services outdated", async () => {
        const found = await onMachine("needrestart -b");
        expect(found).toMatch(/^NEEDRESTART-SVC: nginx\.service$/m);
        expect(found).toMatch(/^NEEDRESTART-SVC: linkmesh-server\.service$/m);
        expect((await labOk("check")).stdout).toMatch(
            /! restart .*nginx still runs .*libssl\.so\.3.*linkmesh-server still runs .*libssl\.so\.3/,
        );
    });

    test("a step that installs a package restarts nothing, however needrestart is configured", async () => {
        await onMachine(`mv ${EXCEPTION} /root/; NEEDRESTART_SUSPEND=1 ${APT} remove bind9-dnsutils`);
        await onMachine("echo \"\\$nrconf{restart} = 'a';\" >/etc/needrestart/conf.d/zz-automatic.conf");
        await labOk("up", "--replace", "linkmesh-nginx");
        expect(await onMachine("dpkg-query -W -f '${db:Status-Status}' bind9-dnsutils")).toBe("installed");
        expect(await services()).toEqual(before);
        await onMachine(`mv /root/linkmesh-proxy.conf ${EXCEPTION}`);
    });

    test("a nightly upgrade, with needrestart in automatic mode as on Ubuntu's images, restarts neither", async () => {
        const run = await onMachine(`NEEDRESTART_MODE=a ${APT} install --reinstall netbase`);
        expect(run).toMatch(/Restarting services/);
        expect(await services()).toEqual(before);
        expect(await stillOpen()).toBe("still here");
        await onMachine("rm /etc/needrestart/conf.d/zz-automatic.conf");
    });

    test("an upgrade of nginx itself starts a new master, and ends no session", async () => {
        await onMachine(`${APT} install --reinstall nginx nginx-common libnginx-mod-stream`);
        expect(await onMachine("readlink /proc/$(cat /run/nginx.pid)/exe")).toBe("/usr/sbin/nginx");
        expect(await stillOpen()).toBe("still here");
        const { stdout } = await labOk("check");
        expect(stdout).toMatch(/! restart +linkmesh-server still runs/);
    });

    test("once LinkMesh is restarted, check has nothing to report", async () => {
        await onMachine("systemctl restart linkmesh-server");
        expect((await lab("check")).stdout).toMatch(/✓ restart /);
    });

    test("logs are bounded by size, and nginx goes on with new files", async () => {
        const master = await mainPid("nginx");
        // Sparse, so that writing takes no time. More often than old logs are kept.
        await onMachine(
            "cd /var/log/nginx && truncate -s +101M error.log linkmesh-grpc.log && systemctl start logrotate.service",
        );
        expect(await onMachine("ls /var/log/nginx")).toMatch(/error\.log\.1\n(.*\n)*linkmesh-grpc\.log\.1/);
        // As the service does, which systemd does not start so often in so short a time.
        await onMachine(
            "for i in $(seq 16); do truncate -s +101M /var/log/nginx/access.log && logrotate /etc/logrotate.conf; done",
        );
        const bytes = Number(await onMachine("du -s -B1 --apparent-size /var/log/nginx | cut -f1"));
        expect(bytes).toBeLessThan(3 * 2 * 101 * MIB);
        await new Clients(await status()).http("/after-rotation");
        // nginx logs a request after it has answered.
        await expect
            .poll(() => onMachine("cat /var/log/nginx/access.log"), { timeout: 60_000 })
            .toContain("/after-rotation");
        expect(await mainPid("nginx")).toBe(master);
    });

    test("they are rotated every ten minutes, and the journal has its own limit", async () => {
        expect(await onMachine("systemctl is-active logrotate.timer")).toBe("active");
        expect(await onMachine("systemctl show --property=TimersCalendar logrotate.timer")).toMatch(
            /OnCalendar=\*-\*-\* \*:00\/10:00 /,
        );
        expect(await journal("systemd-journald")).toMatch(/System Journal .* max 500M/);
    });
}
