import { expect, test } from "vitest";
import { Clients, exchange } from "./clients.ts";
import { services } from "../../lab/services/services.ts";
import { programInstance } from "../../lab/cloud/state.ts";
import { SETTINGS, type Setting, type SettingName } from "../../components/settings/settings.ts";
import { cloud, labOk, onMachine, servedSerial, sets, status, theLab, tryOnMachine, vitals } from "./lab.ts";

/** Changed together; a unit test distinguishes their effects. */
const QUIET = {
    collectorsExpected: "40000",
    trustedProxies: "203.0.113.0/24",
    acmeEmail: "platform@example.com",
    dnsAllowOverwrite: "true",
    tags: '{"team":"platform"}',
    dailySnapshots: "7",
};

/** A changed setting: the preview shows it, only its step runs, and open sessions stay. */
export function settingChanges(): void {
    const configFile = () => onMachine("cat /etc/linkmesh/config.yaml");
    let firstConfig: string;

    const setEntry = ["--set", 'linkmeshEnvironment={"SMTP_PASSWORD":"correct horse"}'];

    test("preview shows nginx's new line, the secret part that changes, and why each step runs; it changes nothing", async () => {
        const run = await labOk("preview", "--diff", "--set", "collectorsExpected=40000", ...setEntry);
        expect(run.stdout).toMatch(/\+ +server 127\.0\.0\.2:8080 max_fails=0;/);
        const fingerprints = [...run.stdout.matchAll(/^ +([-+]) +([\w.]+)=[0-9a-f]{12}( \\)?$/gm)];
        expect(fingerprints.map(([, sign, part]) => `${sign} ${part}`)).toEqual(["- entries", "+ entries"]);
        expect(run.stdout).toMatch(/3 to update/);
        const files = "file http-redirect.conf, file http-linkmesh.conf, file main-stream.conf";
        expect([...run.stderr.matchAll(/^step .*/gm)].map(([line]) => line)).toEqual([
            "step nginx runs again: variable WORKER_CONNECTIONS, variable OPEN_FILES",
            "step environment runs again: file entries",
            `step proxy runs again: variable REVISION, ${files}`,
        ]);
        expect(run.stdout + run.stderr).not.toContain("correct horse");
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
    });

    test("preview warns of a port 22 that is open to the whole internet; of a new machine it says so once", async () => {
        const open = `sshAllowedCidrs=0.0.0.0/0,::/0`;
        const { stdout } = await labOk("preview", "--set", open, "--set", "instanceType=t3.large");
        expect(stdout).toMatch(/warning: sshAllowedCidrs: 0\.0\.0\.0\/0 lets the whole internet try to log in/);
        const [, diagnostics] = stdout.split("\nDiagnostics:\n");
        expect(diagnostics!.match(/the machine is new: all steps run$/gm)).toHaveLength(1);
        expect(diagnostics).not.toContain("runs again");
    });

    test("settings without a restart run the steps that they concern; nginx reloads, and sessions stay", async () => {
        const before = await running();
        const clients = new Clients(await status());
        const socket = await clients.opamp(await onMachine("linkmesh-server token"));
        const run = await labOk("up", ...sets(QUIET));
        expect(stepsOf(run.stdout)).toEqual(["nginx", "certificate", "proxy"]);
        expect((await exchange(socket, Buffer.from("still here"))).toString()).toBe("still here");
        socket.terminate();
        expectAsDocumented(Object.keys(QUIET) as SettingName[], before, await running());
        expect(await onMachine("grep -c 'max_fails=0;' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe("2");
        expect(await onMachine("grep worker_connections /etc/nginx/nginx.conf")).toContain("65536");
    });

    test("a key of config.yaml restarts LinkMesh once; comments, other keys and nginx stay", async () => {
        const before = await running();
        const comments = await onMachine("grep -c '#' /etc/linkmesh/config.yaml");
        firstConfig = await configFile();
        const run = await labOk("up", "--set", 'linkmeshConfig={"metrics":{"enabled":true}}');
        expect(stepsOf(run.stdout)).toEqual(["config", "verify"]);
        expectAsDocumented(["linkmeshConfig"], before, await running());
        expect(await onMachine("grep -c '#' /etc/linkmesh/config.yaml")).toBe(comments);
        expect(await onMachine("stat -c %U:%G:%a /etc/linkmesh/config.yaml")).toBe("root:linkmesh:640");
        const token = await onMachine("linkmesh-server token");
        const metrics = await new Clients(await status()).http("/api/v1/metrics", {
            headers: { Authorization: `Bearer ${token}` },
        });
        expect(metrics.status).toBe(200);
    });

    test("an environment entry and a file reach LinkMesh, which alone can read them, and are never printed", async () => {
        const before = await running();
        const run = await labOk("up", ...setEntry, "--set", 'linkmeshFiles={"git-key":"battery\\nstaple"}');
        expect(stepsOf(run.stdout)).toEqual(["files", "environment", "config"]);
        expect(run.stdout + run.stderr).not.toMatch(/correct horse|battery/);
        expectAsDocumented(["linkmeshEnvironment", "linkmeshFiles"], before, await running());
        const { stdout: read } = await tryOnMachine("runuser -u linkmesh -- cat /etc/linkmesh-proxy/files/git-key");
        expect(read).toBe("battery\nstaple\n");
        expect((await tryOnMachine("runuser -u www-data -- ls /etc/linkmesh-proxy/files")).exitCode).not.toBe(0);
        expect(await onMachine("grep SMTP_PASSWORD /etc/default/linkmesh-server")).toBe(
            'SMTP_PASSWORD="correct horse"',
        );
        expect(await onMachine("grep -c LINKMESH_SECRET /etc/default/linkmesh-server")).toBe("1");
    });

    test("another ACME directory orders one certificate, which is served; the way back orders none", async () => {
        const before = await servedSerial();
        const vitalsBefore = await running();
        const { acmeDirectory } = services(theLab());
        // The same server by another address: to certbot another directory with another account.
        const run = await labOk("up", "--set", `acmeDirectory=${acmeDirectory}?other`);
        expect(stepsOf(run.stdout)).toEqual(["certificate", "proxy"]);
        expect(await servedSerial()).not.toBe(before);
        expectAsDocumented(["acmeDirectory"], vitalsBefore, await running());
        expect(await onMachine("grep -h '^server' /etc/letsencrypt/renewal/*.conf | sort")).toBe(
            `server = ${acmeDirectory}\nserver = ${acmeDirectory}?other`,
        );
        // The timer's run has begun a moment before, and looks for the certificate that goes.
        await onMachine(SLOW_RUN);
        expect(stepsOf((await labOk("up", "--set", "acmeDirectory=")).stdout)).toEqual(["certificate", "proxy"]);
        expect(await servedSerial()).toBe(before);
        await onMachine("rm -r /run/systemd/system/linkmesh-proxy-certificate.service.d && systemctl daemon-reload");
    });

    test("after all changes are reverted the same steps have run, and the first state is back", async () => {
        const names = [...Object.keys(QUIET), "linkmeshConfig", "linkmeshEnvironment", "linkmeshFiles"];
        const run = await labOk("up", ...sets(Object.fromEntries(names.map((name) => [name, ""]))));
        expect(stepsOf(run.stdout)).toEqual(["nginx", "certificate", "environment", "config", "proxy", "verify"]);
        expect(await onMachine("grep -c SMTP_PASSWORD /etc/default/linkmesh-server || true")).toBe("0");
        expect(await configFile()).toBe(firstConfig);
        expect(await onMachine("ls /etc/linkmesh-proxy/files")).toBe("");
        expect(await onMachine("grep -c 'max_fails=0;' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe("1");
    });
}

/** Has one run of the unit that serves the certificate take five minutes before it looks. */
const SLOW_RUN = `
unit=linkmesh-proxy-certificate.service
mkdir -p /run/systemd/system/$unit.d
printf '[Service]\\nExecStartPre=/bin/sh -c "[ ! -e /run/slow ] || { rm /run/slow; sleep 300; }"\\n' >/run/systemd/system/$unit.d/slow.conf
touch /run/slow
systemctl daemon-reload
systemctl start --no-block $unit
until [ ! -e /run/slow ]; do sleep 0.1; done`;

/** Data that distinguishes a restart, a reload and a replacement. */
async function running() {
    const { nginx, linkmesh } = await vitals();
    // The process that reads nginx's cache ends a minute after a reload.
    const worker = await onMachine(`pgrep --newest --parent ${nginx} --full 'worker process'`);
    return { machine: programInstance(cloud())!.id, nginx, linkmesh, worker };
}

/** The rows of these settings in docs/settings.md are true. nginx is never restarted. */
function expectAsDocumented(
    names: SettingName[],
    before: Awaited<ReturnType<typeof running>>,
    after: Awaited<ReturnType<typeof running>>,
): void {
    const effects = new Set(names.flatMap((name) => (SETTINGS[name] as Setting).change));
    expect(after.nginx).toBe(before.nginx);
    expect({
        "new machine": after.machine !== before.machine,
        "LinkMesh restarts": after.linkmesh !== before.linkmesh,
        "nginx reloads": after.worker !== before.worker,
    }).toEqual({
        "new machine": effects.has("new machine"),
        "LinkMesh restarts": effects.has("LinkMesh restarts"),
        "nginx reloads": effects.has("nginx reloads"),
    });
}

/** The steps that ran, in the order of the reported stages. */
function stepsOf(stdout: string): string[] {
    return [...stdout.matchAll(/✓ step ([a-z-]+)/g)].map(([, name]) => name!);
}
