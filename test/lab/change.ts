import { expect, test } from "vitest";
import { Clients, exchange } from "./clients.ts";
import { services } from "../../lab/services/services.ts";
import { labOk, onMachine, servedSerial, status, theLab, vitals } from "./lab.ts";

/** A changed setting: shown before, done by the one step that it concerns, without harm to open sessions. */
export function change(): void {
    const configFile = () => onMachine("cat /etc/linkmesh/config.yaml");
    let firstConfig: string;

    test("preview shows nginx's new line, and changes nothing", async () => {
        const run = await labOk("preview", "--diff", "--set", "collectorsExpected=40000");
        expect(run.stdout).toMatch(/\+ +server 127\.0\.0\.2:8080 max_fails=0;/);
        expect(run.stdout).toMatch(/2 to update/);
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
    });

    test("preview warns of a port 22 that is open to the whole internet", async () => {
        const open = `sshAllowedCidrs=0.0.0.0/0,::/0`;
        expect((await labOk("preview", "--set", open)).stdout).toMatch(
            /warning: sshAllowedCidrs: 0\.0\.0\.0\/0 lets the whole internet try to log in/,
        );
    });

    test("more collectors: nginx's two steps run, it reloads, LinkMesh stays, sessions stay", async () => {
        const before = await vitals();
        const clients = new Clients(await status());
        const socket = await clients.opamp(await onMachine("linkmesh-server token"));
        const run = await labOk("up", "--set", "collectorsExpected=40000");
        expect(stepsOf(run.stdout)).toEqual(["nginx", "proxy"]);
        expect((await exchange(socket, Buffer.from("still here"))).toString()).toBe("still here");
        socket.terminate();
        const after = await vitals();
        expect(after.nginx).toBe(before.nginx);
        expect(after.linkmesh).toBe(before.linkmesh);
        expect(await onMachine("grep -c 'max_fails' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe("2");
        expect(await onMachine("grep worker_connections /etc/nginx/nginx.conf")).toContain("65536");
    });

    test("a key of config.yaml: LinkMesh restarts once, comments and other keys stay, nginx stays", async () => {
        const before = await vitals();
        const comments = await onMachine("grep -c '#' /etc/linkmesh/config.yaml");
        firstConfig = await configFile();
        const run = await labOk("up", "--set", 'linkmeshConfig={"metrics":{"enabled":true}}');
        expect(stepsOf(run.stdout)).toEqual(["config", "verify"]);
        const after = await vitals();
        expect(after.nginx).toBe(before.nginx);
        expect(after.linkmesh).not.toBe(before.linkmesh);
        expect(await onMachine("grep -c '#' /etc/linkmesh/config.yaml")).toBe(comments);
        expect(await onMachine("stat -c %U:%G:%a /etc/linkmesh/config.yaml")).toBe("root:linkmesh:640");
        const token = await onMachine("linkmesh-server token");
        const metrics = await new Clients(await status()).http("/api/v1/metrics", {
            headers: { Authorization: `Bearer ${token}` },
        });
        expect(metrics.status).toBe(200);
    });

    test("an environment entry reaches LinkMesh's file, and never the output", async () => {
        const run = await labOk("up", "--set", 'linkmeshEnvironment={"SMTP_PASSWORD":"correct horse"}');
        expect(stepsOf(run.stdout)).toEqual(["environment"]);
        expect(run.stdout + run.stderr).not.toContain("correct horse");
        expect(await onMachine("grep SMTP_PASSWORD /etc/default/linkmesh-server")).toBe(
            'SMTP_PASSWORD="correct horse"',
        );
        expect(await onMachine("grep -c LINKMESH_SECRET /etc/default/linkmesh-server")).toBe("1");
    });

    test("another ACME directory: one new certificate, which is served; the way back orders none", async () => {
        const before = await servedSerial();
        const { acmeDirectory } = services(theLab());
        // The same server by another address: to certbot another directory with another account.
        const run = await labOk("up", "--set", `acmeDirectory=${acmeDirectory}?other`);
        expect(stepsOf(run.stdout)).toEqual(["certificate", "proxy"]);
        expect(await servedSerial()).not.toBe(before);
        expect(await onMachine("grep -h '^server' /etc/letsencrypt/renewal/*.conf | sort")).toBe(
            `server = ${acmeDirectory}\nserver = ${acmeDirectory}?other`,
        );
        expect(stepsOf((await labOk("up", "--set", "acmeDirectory=")).stdout)).toEqual(["certificate", "proxy"]);
        expect(await servedSerial()).toBe(before);
    });

    test("all of it taken back: the same steps run, and the first state is there again", async () => {
        const run = await labOk(
            "up",
            "--set",
            "collectorsExpected=",
            "--set",
            "linkmeshConfig=",
            "--set",
            "linkmeshEnvironment=",
        );
        expect(stepsOf(run.stdout)).toEqual(["nginx", "environment", "config", "proxy", "verify"]);
        expect(await onMachine("grep -c SMTP_PASSWORD /etc/default/linkmesh-server || true")).toBe("0");
        expect(await configFile()).toBe(firstConfig);
        expect(await onMachine("grep -c 'max_fails' /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe("1");
    });
}

/** The steps that ran, in the order of the stages told. */
function stepsOf(stdout: string): string[] {
    return [...stdout.matchAll(/✓ step ([a-z-]+)/g)].map(([, name]) => name!);
}
