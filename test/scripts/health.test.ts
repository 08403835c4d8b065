import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCa } from "../host/test-ca.ts";

const SCRIPT = readFileSync(join(import.meta.dirname, "../../components/host/scripts/machine/health.sh"), "utf8");
const HEAD = "DOMAIN=linkmesh.example.com HTTP_PORT=8080 GRPC_PORT=50061 RENEWED=yes DATA=/srv/linkmesh\n";

const directory = mkdtempSync(join(tmpdir(), "health-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Certificates with so many days left, of so many. */
const certificates = new Map<string, string>();
beforeAll(async () => {
    const authority = await TestCa.create("CN=an authority");
    for (const [left, lifetime] of [
        [60, 90],
        [20, 90],
        [-1, 90],
        [3, 6],
        [1, 6],
    ] as const) {
        const to = left + 0.5;
        const { cert } = await authority.issue(["linkmesh.example.com"], { from: to - lifetime, to });
        certificates.set(`${left} of ${lifetime}`, cert);
    }
});

interface Machine {
    http?: string;
    grpc?: boolean;
    /** undefined: nginx shows none. */
    certificate?: string | undefined;
    inactive?: string;
    failed?: string;
    mounted?: boolean;
    df?: string;
    head?: string;
}

/** Runs it on a machine of stubs. */
function health(machine: Machine = {}, args: string[] = [], input = "") {
    const { http = "200", grpc = true, inactive = "-", failed = "-", mounted = true, df = " 40%   3%" } = machine;
    const certificate = "certificate" in machine ? machine.certificate : "60 of 90";
    writeFileSync(join(directory, "443"), certificate === undefined ? "" : certificates.get(certificate)!);
    writeFileSync(join(directory, "50061"), grpc ? certificates.get("60 of 90")! : "");
    const stubs = {
        curl: `echo ${http}; [ ${http} != 000 ]`,
        // Everything but what a server shows is openssl's own work.
        openssl: `case "$1" in s_client) cat "${directory}/\${3##*:}" ;; *) exec /usr/bin/openssl "$@" ;; esac`,
        systemctl: `case "$*" in
            "is-active --quiet ${inactive}") exit 3 ;;
            *"--property Result --value ${failed}") echo exit-code ;;
            *"--property Result"*) echo success ;;
            esac`,
        mountpoint: mounted ? "true" : "false",
        df: `echo "Use% IUse%"; case "$*" in */srv/linkmesh) echo "${df}" ;; *) echo "  7%     -" ;; esac`,
    };
    mkdirSync(join(directory, "bin"), { recursive: true });
    for (const [name, script] of Object.entries(stubs)) {
        writeFileSync(join(directory, "bin", name), `#!/bin/bash\n${script}\n`);
        chmodSync(join(directory, "bin", name), 0o755);
    }
    writeFileSync(join(directory, "health"), (machine.head ?? HEAD) + SCRIPT);
    const env = { PATH: `${directory}/bin:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync("bash", [join(directory, "health"), ...args], {
        env,
        input,
        encoding: "utf8",
    });
    return { status, stdout, stderr };
}

/** The lines with what is wrong. */
const faults = (machine: Machine) =>
    health(machine)
        .stdout.split("\n")
        .filter((line) => line.includes("\twrong\t"));

test("a machine that is well has a line for each item, and ends with 0", () =>
    expect(health()).toEqual({
        status: 0,
        stdout:
            "linkmesh\tok\t200\tLinkMesh answers with 200.\n" +
            "certificate\tok\t60\tThe certificate that nginx shows is good for 60 days.\n" +
            "renewal\tok\t\tThe last run of linkmesh-proxy-certificate certbot did not fail.\n" +
            "disk\tok\t40\tNo disk is fuller than 40 %.\n",
        stderr: "",
    }));

describe("what is wrong is one line with its number, and the exit status is 1", () => {
    test.each<[string, Machine, RegExp]>([
        [
            "LinkMesh that does not answer",
            { http: "000" },
            /^linkmesh\twrong\t000\tLinkMesh does not answer on port 8080/,
        ],
        [
            "LinkMesh that answers with an error",
            { http: "500" },
            /^linkmesh\twrong\t500\t.*journalctl -u linkmesh-server/,
        ],
        [
            "LinkMesh without gRPC",
            { grpc: false },
            /^linkmesh\twrong\t200\tLinkMesh shows no certificate on port 50061/,
        ],
        [
            "nginx that shows nothing",
            { certificate: undefined },
            /^certificate\twrong\t\tnginx shows no certificate for link/,
        ],
        [
            "a renewal that is overdue",
            { certificate: "20 of 90" },
            /^certificate\twrong\t20\t.*expires in 20 days, on 20/,
        ],
        ["a certificate that has expired", { certificate: "-1 of 90" }, /^certificate\twrong\t-?[01]\t/],
        ["a short-lived one that is overdue", { certificate: "1 of 6" }, /^certificate\twrong\t1\t/],
        [
            "certbot's timer that is off",
            { inactive: "certbot.timer" },
            /^renewal\twrong\t\tcertbot\.timer does not run: /,
        ],
        [
            "a certificate that nginx could not load",
            { failed: "linkmesh-proxy-certificate.service" },
            /^renewal\twrong\t\tThe last run of linkmesh-proxy-certificate\.service failed/,
        ],
        ["a renewal that failed", { failed: "certbot.service" }, /^renewal\twrong\t\t.*see journalctl -u certbot\.$/],
        ["a data volume that is not mounted", { mounted: false }, /^disk\twrong\t\tThe data volume is not mounted/],
        ["a data volume that is nearly full", { df: " 90%   3%" }, /^disk\twrong\t90\t\/srv\/linkmesh is 90 % full/],
        ["a data volume without inodes", { df: " 40% 100%" }, /^disk\twrong\t100\t\/srv\/linkmesh is 100 % full/],
    ])("%s", (_, machine, line) => {
        const found = faults(machine);
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(line);
        expect(health(machine).status).toBe(1);
    });
});

test("a short-lived certificate is well before a third of its life is left", () =>
    expect(faults({ certificate: "3 of 6" })).toEqual([]));

test("what the stack does not have is not asked for", () => {
    const head = HEAD.replace("GRPC_PORT=50061", "GRPC_PORT=").replace("RENEWED=yes", "RENEWED=");
    expect(faults({ head, grpc: false, inactive: "certbot.timer", failed: "certbot.service" })).toEqual([]);
});

test("whether it serves clients has the line of LinkMesh alone", () => {
    const faulty: Machine = { df: " 99%   3%", inactive: "certbot.timer", certificate: undefined };
    expect(health(faulty, ["serves"])).toEqual({
        status: 0,
        stdout: "linkmesh\tok\t200\tLinkMesh answers with 200.\n",
        stderr: "",
    });
    expect(health({ http: "500" }, ["serves"])).toMatchObject({ status: 1 });
});

describe("as an answer to an HTTP request", () => {
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const broken: Machine = { http: "000", df: " 99%   3%" };
    test.each([
        ["well", {}, "/", "200 OK", "well\n"],
        ["not well", broken, "/", "503 Service Unavailable", "not well\n"],
        ["not well, without a request", broken, "", "503 Service Unavailable", "not well\n"],
        ["well enough to serve clients", { df: " 99%   3%" }, "/serves", "200 OK", "well\n"],
        ["well enough to serve clients, with a query", { df: " 99%   3%" }, "/serves?now", "200 OK", "well\n"],
        ["not well enough for that", broken, "/serves", "503 Service Unavailable", "not well\n"],
    ])("%s", (_, machine, path, status, body) => {
        const { stdout } = health(machine, ["answer"], path === "" ? "" : request(path));
        expect(stdout.split("\r\n")[0]).toBe(`HTTP/1.1 ${status}`);
        expect(stdout.split("\r\n\r\n")[1]).toBe(body);
        expect(stdout).toContain(`Content-Length: ${body.length}\r\n`);
    });
    test("/why has the lines, in as many bytes as it says", () => {
        const { stdout } = health(broken, ["answer"], request("/why"));
        const [head, body] = stdout.split("\r\n\r\n") as [string, string];
        expect(body).toContain("linkmesh\twrong\t000\t");
        expect(body).toContain("disk\twrong\t99\t");
        expect(Buffer.byteLength(body)).toBe(Number(/Content-Length: (\d+)/.exec(head)![1]));
    });
});
