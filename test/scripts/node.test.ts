import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readScript } from "../../components/host/render/script.ts";
import { ENVIRONMENT } from "./linkmesh.ts";
import { IMPATIENT, Machine, selfSigned } from "./step.ts";

const DOMAIN = "linkmesh.example.com";
const TLS = "/etc/linkmesh-proxy/tls";
const OWN = `${TLS}/self-signed`;
const DRAIN = "linkmesh-proxy-drain.service";

describe("step first-start", () => {
    const KEPT = `/srv/linkmesh/files${ENVIRONMENT}`;
    const BLOCK = (secret: string) => `# BEGIN linkmesh-proxy\nLINKMESH_SECRET="${secret}"\n# END linkmesh-proxy\n`;
    const machine = (installed: boolean, before: string) =>
        new Machine({
            step: "first-start",
            variables: { ENVIRONMENT_FILE: ENVIRONMENT },
            files: { entries: 'LINKMESH_SECRET="shared"\n' },
            machine: { [KEPT]: before },
            stubs: { "dpkg-query": installed ? "echo installed" : "exit 1" },
        });

    test("puts the environment where the step install links the package's to, also after a try with another", () => {
        const m = machine(false, BLOCK("before"));
        expect(m.run()).toMatchObject({ status: 0, errors: [] });
        expect(m.read(KEPT)).toBe(BLOCK("shared"));
        expect(m.mode(KEPT)).toBe("600");
    });

    test.each([
        ["of an installed LinkMesh to the step environment", true, BLOCK("before")],
        ["of the machine before on a data volume, with the secret of its package", false, "LINKMESH_SECRET=before\n"],
    ])("leaves that %s", (_, installed, before) => {
        const m = machine(installed, before);
        expect(m.run()).toMatchObject({ status: 0, errors: [] });
        expect(m.read(KEPT)).toBe(before);
    });
});

describe("step node", () => {
    const node = (domain = DOMAIN) => ({
        variables: { DOMAIN: domain, OWNER: "project/stack/name", DRAIN_SECONDS: "30" },
        files: { "drain.sh": "#!/bin/bash\n" },
    });
    const machine = (given: object = {}) => new Machine({ step: "node", ...node(), ...given });

    /** The names and the public key of the certificate, and the key of the private one. */
    function certificate(of: Machine) {
        const openssl = (args: string, input: string) =>
            execFileSync("openssl", args.split(" "), { input, encoding: "utf8" });
        const [pem, key] = [of.read(`${OWN}/fullchain.pem`)!, of.read(`${OWN}/privkey.pem`)!];
        return {
            names: /DNS:.*/.exec(openssl("x509 -noout -ext subjectAltName", pem))?.[0],
            fits: openssl("x509 -noout -pubkey", pem) === openssl("pkey -pubout", key),
            isGood: openssl(`x509 -noout -checkend ${50 * 365 * 86_400}`, pem).includes("will not expire"),
        };
    }
    const GOOD = { names: `DNS:${DOMAIN}`, fits: true, isGood: true };

    test("leaves a certificate, which nginx reads by a link, and a LinkMesh that drains", () => {
        const m = machine();
        const { status, errors, calls } = m.run();
        expect({ status, errors }).toEqual({ status: 0, errors: [] });
        expect(m.read(`${TLS}/current`)).toBe("-> self-signed");
        expect(certificate(m)).toEqual(GOOD);
        expect(m.mode(`${OWN}/privkey.pem`)).toBe("600");
        expect(m.read(`/etc/systemd/system/${DRAIN}`)).toBe(`[Unit]
Description=The load balancer stops sending before LinkMesh stops
PartOf=linkmesh-server.service
After=linkmesh-server.service nginx.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/rm -f /run/linkmesh-draining
ExecStop=/usr/local/lib/linkmesh-proxy/drain /run/linkmesh-draining 30
TimeoutStopSec=120
[Install]
WantedBy=linkmesh-server.service
`);
        expect(calls.filter((call) => /^systemctl (?!show)/.test(call))).toEqual([
            "systemctl daemon-reload",
            `systemctl is-enabled ${DRAIN}`,
            `systemctl enable --quiet --now ${DRAIN}`,
        ]);
        expect(m.mode("/usr/local/lib/linkmesh-proxy/drain")).toBe("755");
        expect(m.read("/srv/linkmesh/identity/host")).toBe(`project/stack/name\n${DOMAIN}\n`);
    });

    test("changes nothing when it runs again", () => {
        const m = machine();
        m.run();
        const before = m.files();
        expect(m.run()).toMatchObject({ status: 0 });
        expect(m.files()).toEqual(before);
    });

    test("a longer name than a certificate's subject may have", () => {
        const long = `${"a".repeat(60)}.${"b".repeat(60)}.example.com`;
        const m = machine(node(long));
        expect(m.run()).toMatchObject({ status: 0 });
        expect(certificate(m)).toEqual({ ...GOOD, names: `DNS:${long}` });
    });

    test.each<[string, Record<string, string>]>([
        ["of another key, as a step leaves it that was cut", { "privkey.pem": selfSigned(DOMAIN).key }],
        ["that is no certificate", { "fullchain.pem": "" }],
    ])("a certificate %s is made anew", (_, files) => {
        const m = machine();
        m.run();
        for (const [name, text] of Object.entries(files)) m.write(`${OWN}/${name}`, text, 0o600);
        expect(m.run()).toMatchObject({ status: 0 });
        expect(certificate(m)).toEqual(GOOD);
    });

    test("another name gets another certificate", () => {
        const m = machine();
        m.run();
        expect(m.run(node("new.example.com"))).toMatchObject({ status: 0 });
        expect(certificate(m)).toEqual({ ...GOOD, names: "DNS:new.example.com" });
    });

    test("a step that fails leaves the certificate before", () => {
        const m = machine();
        m.run();
        const before = m.files();
        const failing = { systemctl: "false" };
        expect(m.run({ ...node("new.example.com"), stubs: failing }).status).toBe(1);
        expect(m.files()[`${OWN}/fullchain.pem`]).toBe(before[`${OWN}/fullchain.pem`]);
        expect(certificate(m)).toEqual(GOOD);
    });
});

describe("step in-service", () => {
    const REASONS =
        "linkmesh\twrong\t000\tLinkMesh does not answer.\ndisk\tok\t4\tNo disk is full.\nrenewal\twrong\t\tIt failed.";

    /** @param answers statuses of the health URL, of which the last one stays. */
    function inService(...answers: string[]) {
        const m = new Machine({
            step: "in-service",
            variables: { HEALTH_PATH: "/health", DRAIN_SECONDS: "30", BEFORE: "x" },
            files: { "ask_as_balancer.py": "" },
            stubs: {
                ip: "echo '2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0'",
                python3: "head -n1 /stub/answers; [ $(wc -l </stub/answers) = 1 ] || sed -i 1d /stub/answers",
            },
            ...IMPATIENT,
        });
        m.write("/stub/answers", `${answers.join("\n")}\n`);
        m.write(
            "/usr/local/lib/linkmesh-proxy/health",
            `#!/bin/bash\n[ "$*" = serves ] && printf '%s\\n' ${`'${REASONS}'`}\nexit 1\n`,
            0o755,
        );
        return m.run();
    }

    test("asks as the load balancer does, and again after the time that that takes", () => {
        const { status, calls } = inService("200");
        expect(status).toBe(0);
        const asked = calls
            .filter((call) => /^(python3|sleep) /.test(call))
            .map((call) => call.replace(/\/tmp\S+\/files\//, ""));
        const question = "python3 ask_as_balancer.py 10.0.0.7 /health";
        expect(asked).toEqual([question, "sleep 30", question]);
    });

    test.each([
        ["from the start", "503", ["503"]],
        ["later", "503", ["200", "503"]],
        ["because nginx does not answer", "nothing", [""]],
    ])("fails if the machine is not well %s, and says why", (_, answer, answers) => {
        expect(inService(...answers)).toMatchObject({
            status: 1,
            errors: [
                "error: the load balancer does not send to this machine, because its health check answers " +
                    `${answer}: LinkMesh does not answer. It failed.`,
            ],
        });
    });
});

describe("the program drain", () => {
    const directory = mkdtempSync(join(tmpdir(), "drain-"));
    afterAll(() => rmSync(directory, { recursive: true }));
    const [program, flag, log] = ["drain", "flag", "log"].map((name) => join(directory, name)) as [
        string,
        string,
        string,
    ];
    writeFileSync(program, readScript("machine/drain"));

    /** @param health what the program health says. @returns what it has waited, and whether the flag was there then. */
    function drain(health: string) {
        rmSync(flag, { force: true });
        writeFileSync(log, "");
        writeFileSync(join(directory, "health"), `#!/bin/bash\necho lines; ${health}\n`, { mode: 0o755 });
        writeFileSync(join(directory, "sleep"), `#!/bin/bash\necho "$1 $(ls ${flag})" >>${log}\n`, { mode: 0o755 });
        const env = { PATH: `${directory}:${process.env.PATH}`, HEALTH: join(directory, "health") };
        const { status, stdout, stderr } = spawnSync("bash", [program, flag, "30"], { env, encoding: "utf8" });
        expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
        return { waited: readFileSync(log, "utf8"), flag: existsSync(flag) };
    }

    test.each([
        ["if all is well", "true"],
        ["if a disk is full, or a timer is off as in a shutdown", '[ "$*" = serves ]'],
    ])("fails the health checks, and then waits, %s", (_, health) => {
        expect(drain(health)).toEqual({ waited: `30 ${flag}\n`, flag: true });
    });

    test("does not wait if LinkMesh does not answer, so that the load balancer sends nothing", () => {
        expect(drain('[ "$*" != serves ]')).toEqual({ waited: "", flag: false });
    });
});
