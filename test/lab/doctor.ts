import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import type { Finding } from "../../checks/types.ts";
import { sshArguments } from "../../lab/commands/machine.ts";
import { lab, labOk, onMachine, theLab } from "./lab.ts";

const ROOT = join(import.meta.dirname, "../..");

/** As the findings' next step says. */
const MEND = "**linkmesh-proxy:index:LinkMeshProxy$command:remote:Command::**";

/** The mirror may have an update of it today. */
const HELD_BACK: unknown = expect.stringMatching(
    /^packages: curl is held back, (so that it gets no security updates|and an upgrade of it waits)$/,
);

/** What is wrong with the machine is named, and one command mends what the program owns. */
export function doctor(): void {
    const dir = mkdtempSync(join(tmpdir(), "doctor-"));
    afterAll(async () => {
        rmSync(dir, { recursive: true });
        await onMachine(
            "rm -rf /srv/linkmesh/filler /etc/systemd/system/nginx.service.d/mine.conf; apt-mark -qq unhold curl; systemctl daemon-reload",
        );
    });

    test("a stack that is up is well", async () => {
        expect(await wrong()).toEqual([]);
        expect((await labOk("doctor", "--markdown")).stdout).toMatch(
            /^### ✅ doctor linkmesh\.example\.test: nothing failed(, 1 warning)?\n\n/,
        );
        const run = await labOk("doctor");
        expect(run.stdout).toMatch(/^✓ files +all are as pulumi up left them, \d\d things compared$/m);
    });

    test("a certificate that was renewed but not reloaded, and a clock that is off", async () => {
        const live = await onMachine("readlink -f /etc/letsencrypt/live/*/fullchain.pem");
        await onMachine(`systemctl stop linkmesh-proxy-certificate.timer && cp ${live} /root/fullchain.pem &&
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj / -keyout /dev/null \
                -addext subjectAltName=DNS:linkmesh.example.test -out ${live} 2>/dev/null`);
        // The operator's clock goes ten minutes fast: a container's own clock cannot be set.
        const fast = "const now = Date.now; Date.now = () => now() + 600_000";
        process.env.NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(fast)}`;
        const found = await wrong().finally(() => delete process.env.NODE_OPTIONS);
        await onMachine(`cp /root/fullchain.pem ${live}; systemctl start linkmesh-proxy-certificate.timer`);
        expect(found).toEqual([
            "units: linkmesh-proxy-certificate.timer is inactive",
            "clock: the machine's clock is 10 minutes slow, or yours is fast",
            expect.stringMatching(
                /^certificate: nginx serves the certificate with serial \w+, but \S+ holds \w+: its reload failed$/,
            ),
        ]);
    });

    test("nginx and LinkMesh stopped, files edited, units masked and disabled, packages held, a full volume", async () => {
        await onMachine(`echo 'broken by hand' >>/etc/nginx/linkmesh/current/http-linkmesh.conf
            sed -i 's/worker_connections [0-9]*/worker_connections 512/' /etc/nginx/nginx.conf
            sed -i 's/50061/50062/' /etc/linkmesh/config.yaml
            rm /etc/logrotate.d/00-linkmesh-proxy
            chmod 0777 /usr/local/lib/linkmesh-proxy/serve-certificate
            printf '[Service]\\nNice=5\\n' >/etc/systemd/system/nginx.service.d/mine.conf
            systemctl daemon-reload
            systemctl stop nginx linkmesh-server logrotate.timer
            systemctl mask -q certbot.timer && systemctl disable -q nginx
            apt-mark -qq unhold linkmesh-server && apt-mark -qq hold curl
            sysctl -qw net.ipv4.ip_local_port_range='20000 30000'
            mkdir /srv/linkmesh/filler && fallocate -l 8200M /srv/linkmesh/filler/big`);
        expect(await wrong()).toEqual([
            "files: /etc/linkmesh/config.yaml does not have the settings' values of grpc.port (step config)",
            "files: /etc/nginx/nginx.conf sets worker_connections to 512 instead of 16384 (step nginx)",
            expect.stringMatching(
                /^files: \/etc\/nginx\/linkmesh\/\w+\/http-linkmesh\.conf was edited [\d: -]+ UTC \(step proxy\)$/,
            ),
            "files: /usr/local/lib/linkmesh-proxy/serve-certificate is mode 777 of root:root instead of mode 755 of root:root (step proxy)",
            "files: /etc/logrotate.d/00-linkmesh-proxy is missing (step upkeep)",
            "units: certbot.timer is masked",
            "units: linkmesh-server.service is inactive",
            "units: nginx.service is inactive",
            "units: logrotate.timer is inactive",
            "units: /etc/systemd/system/nginx.service.d/mine.conf changes nginx.service, and pulumi up did not write it",
            "packages: linkmesh-server is not on hold, so an upgrade of packages changes it without a copy of its data",
            HELD_BACK,
            "listeners: nginx does not listen on 0.0.0.0:80, [::]:80, 0.0.0.0:443, [::]:443, 0.0.0.0:50051, [::]:50051",
            "listeners: LinkMesh does not listen on 8080, 50061",
            "kernel: net.ipv4.ip_local_port_range is 20000 30000 instead of 10240 65000",
            expect.stringMatching(
                /^disks: the data volume \(\/srv\/linkmesh\) is 8\d% full of 9\.7 GiB: \/srv\/linkmesh\/filler 8\.0 GiB, /,
            ),
            "sessions: nginx has no worker whose open files could be counted",
            "certificate: nginx on the machine serves no certificate for linkmesh.example.test",
            "renewal: certbot.timer is masked: nothing renews the certificate",
        ]);
    });

    test("one command mends what the program owns, an nginx that cannot start included, and replaces no machine; the rest stays", async () => {
        const run = await labOk("up", "--replace", MEND);
        expect(run.stdout).toMatch(/✓ program: 13 replaced/);
        expect(run.stdout).not.toMatch(/✓ machine(:| {2}\d)/);
        expect(await wrong()).toEqual([
            "units: /etc/systemd/system/nginx.service.d/mine.conf changes nginx.service, and pulumi up did not write it",
            HELD_BACK,
            expect.stringMatching(/^disks: the data volume/),
        ]);
    });

    test("nobody can look: an unreachable machine, a wrong key, no sudo; each is one sentence, and exit code 2", async () => {
        const good = (await sshArguments(theLab())).join(" ");
        const machine = good.split(" ").at(-1)!;
        await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, "other")]);
        const plain =
            "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
        const sudoers = "/etc/sudoers.d/90-cloud-init-users";
        await onMachine(`mv ${sudoers} /root/`);
        const said = await Promise.all([
            cannotLook(`${plain} -p 1 admin@127.0.0.1`),
            cannotLook(`${plain} -o IdentitiesOnly=yes -i ${dir}/other admin@${machine}`),
            cannotLook(`ssh ${good}`),
        ]).finally(() => onMachine(`mv /root/90-cloud-init-users ${sudoers}`));
        expect(said).toEqual([
            expect.stringMatching(
                /^error: the command over SSH failed: ssh: connect to host .* port 1: Connection refused: \S/,
            ),
            expect.stringMatching(/^error: the command over SSH failed: .*Permission denied \(publickey\)\.: \S/),
            expect.stringMatching(/^error: the command over SSH failed: sudo: .*password.*: \S/),
        ]);
    });
}

/**
 * What `lab doctor` says that is not well, as "topic: sentence". Without the updates that wait: the distribution publishes
 * them at any time, also after the image was built.
 */
async function wrong(): Promise<string[]> {
    const { stdout, stderr } = await lab("doctor", "--json");
    const { hosts } = JSON.parse(stdout || `"${stderr}"`) as { hosts: { results: Finding[] }[] };
    return hosts
        .flatMap(({ results }) => results)
        .filter(({ name, status }) => status !== "ok" && name !== "updates")
        .map(({ name, detail }) => `${name}: ${detail}`);
}

async function cannotLook(ssh: string): Promise<string> {
    const run = await execa("npm", ["run", "--silent", "doctor", "--", "--ssh", ssh], {
        cwd: ROOT,
        reject: false,
        stdin: "ignore",
    });
    expect(run.exitCode, run.stdout).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr.split("\n")).toHaveLength(1);
    return run.stderr;
}
