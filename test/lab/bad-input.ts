import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { workspaceOf } from "../../lab/engine/workspace.ts";
import { services } from "../../lab/services/services.ts";
import { lab, labOk, onMachine, servedSerial, theLab } from "./lab.ts";
import type { Run } from "./run.ts";
import { refusals } from "./refusals.ts";

const fails = (run: Run, sentence: RegExp) => {
    expect(run.exitCode).not.toBe(0);
    const error = run.stderr.split("\n").filter((line) => line.startsWith("error: "));
    expect(error, run.stderr).toHaveLength(1);
    expect(error[0]).toMatch(sentence);
    expect(run.stderr).not.toMatch(/^\s+at /m);
};

/** The current revision of nginx's configuration. */
const revision = () => onMachine("readlink -f /etc/nginx/linkmesh/current");

/** Mistakes of a user: one sentence, an exit code, endpoints that still answer, and the next `up` goes on. */
export function badInput(): void {
    describe("refused before anything changes", refusals);

    test("a refused setting is reported in one line, without a stack trace, and is not kept", async () => {
        const configuration = () => readFileSync(workspaceOf(theLab()).configFile, "utf8");
        const before = configuration();
        fails(await lab("up", "--set", "collectorsExpected=900000"), /collectorsExpected must be at most 200000/);
        expect(configuration()).toBe(before);
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
    });

    test.each<[string, string[], RegExp]>([
        ["an unknown command", ["upp"], /unknown command 'upp'/],
        ["an unknown option", ["up", "--sett", "a=b"], /unknown option '--sett'/],
        ["a package file that is not there", ["up", "--package", "/nowhere/linkmesh.deb"], /\/nowhere\/linkmesh\.deb/],
        ["a log that does not exist", ["logs", "apache"], /apache/],
    ])("%s", async (_, args, sentence) => fails(await lab(...args), sentence));

    test("a package with another checksum is not installed; the next up goes on", async () => {
        const version = await onMachine("dpkg-query -W linkmesh-server");
        fails(
            await lab("up", "--set", `linkmeshDebSha256=${"0".repeat(64)}`),
            /step package: .*linkmeshDebSha256: the package .* has the checksum [0-9a-f]{64}, so it was not installed/,
        );
        expect(await onMachine("dpkg-query -W linkmesh-server")).toBe(version);
        await labOk("up", "--set", "linkmeshDebSha256=");
    });

    test("a package for another architecture is not installed", async () => {
        const dir = mkdtempSync(join(tmpdir(), "linkmesh-foreign-"));
        mkdirSync(join(dir, "tree/DEBIAN"), { recursive: true });
        const control = ["Package: linkmesh-server", "Version: 99.0.0", "Architecture: arm64", "Maintainer: a test"];
        writeFileSync(
            join(dir, "tree/DEBIAN/control"),
            [...control, "Description: for another machine", ""].join("\n"),
        );
        await execa("dpkg-deb", ["--build", join(dir, "tree"), join(dir, "foreign.deb")]);
        const version = await onMachine("dpkg-query -W linkmesh-server");
        fails(
            await lab("up", "--package", join(dir, "foreign.deb")),
            /step package: .*linkmeshDebUrl: the package at .* is for arm64, and this machine is amd64: set the package for it/,
        );
        rmSync(dir, { recursive: true });
        expect(await onMachine("dpkg-query -W linkmesh-server")).toBe(version);
        await labOk("up", "--package", "stand-in");
    });

    test("a package that cannot be downloaded", async () => {
        const url = `http://${theLab().net.packages}:81/linkmesh-server.deb`;
        // The step names no delay, which by default doubles from one try to the next.
        await onMachine("echo 'retry-delay = 1' >/root/.curlrc");
        fails(
            await lab("up", "--set", `linkmeshDebUrl=${url}`, "--set", `linkmeshDebSha256=${"0".repeat(64)}`),
            /step package: .*linkmeshDebUrl: .* cannot be fetched/,
        );
        await onMachine("rm /root/.curlrc");
        await labOk("up", "--set", "linkmeshDebUrl=", "--set", "linkmeshDebSha256=");
    });

    test("if the certificate authority does not answer, the old certificate stays in use", async () => {
        const serial = await servedSerial();
        fails(
            await lab("up", "--set", "acmeDirectory=https://acme.example.test:14999/dir"),
            /step certificate: .*the certificate authority gave no certificate for linkmesh\.example\.test: .*acmeDirectory/,
        );
        expect(await servedSerial()).toBe(serial);
        await labOk("up", "--set", "acmeDirectory=");
        expect(await servedSerial()).toBe(serial);
    });

    test("if the authority refuses a certificate, the error quotes its answer", async () => {
        await onMachine("chmod 0700 /var/www/acme");
        fails(
            await lab("up", "--set", `acmeDirectory=${services(theLab()).acmeDirectory}?refused`),
            /step certificate: .*the certificate authority gave no certificate for linkmesh\.example\.test: Non-200 status code .* returned 404/,
        );
        await onMachine("chmod 0755 /var/www/acme");
        await labOk("up", "--set", "acmeDirectory=");
    });

    test("a refused SSH connection is reported with its cause", async () => {
        await onMachine("systemctl stop ssh.service");
        fails(
            await lab("up", "--set", "collectorsExpected=60000"),
            /step nginx: nothing listens on the machine's port 22: .*after 10 failed attempts: dial tcp .*: connection refused/,
        );
        await onMachine("systemctl start ssh.service");
        await labOk("up", "--set", "collectorsExpected=");
    });

    test("a configuration that nginx refuses is not swapped in", async () => {
        const before = await revision();
        await onMachine("echo 'no_such_directive on;' > /etc/nginx/conf.d/zz-broken.conf");
        // Only the step proxy has this setting, so no earlier step fails.
        const run = await lab("up", "--set", "trustedProxies=198.51.100.7/32");
        fails(run, /step proxy: nginx refuses the new configuration, so nothing was changed: .*no_such_directive/);
        expect(await revision()).toBe(before);
        await labOk("check");
        await onMachine("rm /etc/nginx/conf.d/zz-broken.conf");
        await labOk("up", "--set", "trustedProxies=");
    });

    test("a port that another process holds is named, with the process", async () => {
        const before = await revision();
        await onMachine(
            "systemctl stop nginx; systemd-run --quiet --unit squatter python3 -m http.server 443; until ss -Hltn 'sport = :443' | grep -q .; do sleep 0.1; done",
        );
        const run = await lab("up", "--set", "trustedProxies=198.51.100.7/32");
        fails(run, /step proxy: .*so the old one is in place again: port 443 is taken by python3/);
        expect(await revision()).toBe(before);
        // Its timer may fire now. The health URL would tell of its failure, also when nginx runs again.
        await onMachine("systemctl start linkmesh-proxy-certificate.service && systemctl stop squatter");
        await labOk("up", "--set", "trustedProxies=");
    });

    test("a configuration with which LinkMesh does not start is rolled back", async () => {
        const before = await onMachine("cat /etc/linkmesh/config.yaml");
        fails(
            await lab("up", "--set", 'linkmeshConfig={"metrics":{"enabled":"perhaps"}}'),
            /step config: LinkMesh does not answer with the new config\.yaml \(it says: .*metrics\.enabled must be true or false.*\), so the old one is in place again/,
        );
        expect(await onMachine("cat /etc/linkmesh/config.yaml")).toBe(before);
        await labOk("check");
        await labOk("up", "--set", "linkmeshConfig=");
    });
}
