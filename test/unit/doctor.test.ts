import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { readFacts } from "../../doctor/facts.ts";
import { judge } from "../../doctor/index.ts";
import { withoutRepeatedHints } from "../../doctor/print.ts";
import { MEND, type Topic } from "../../doctor/finding.ts";
import { ASKED, END, facts, NOW, START, WELL } from "./doctor-facts.ts";

/** The verdicts about a topic: status and sentence. */
const about = (topic: Topic, changes: Parameters<typeof facts>[0], asked = ASKED) =>
    judge(facts(changes), asked)
        .filter(({ name }) => name === topic)
        .map(({ status, detail }) => `${status}: ${detail}`);

test("a machine that is well has one line for each topic, and all are ok", () => {
    const found = judge(facts(), ASKED);
    expect(found.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
});

test("a machine that says nothing is not well: no section may be taken for a good answer", () => {
    const found = judge(readFacts("", "=="), ASKED);
    const ok = found.filter(({ status }) => status === "ok").map(({ name }) => name);
    // Their sections are empty on a machine that is well.
    expect(ok).toEqual(["setup", "units", "packages", "kernel", "orders", "restart"]);
});

test("on a machine that is not set up yet, what could not be asked is left out, and the rest counts", () => {
    const unasked =
        "== unasked\nkernel 90-linkmesh-proxy.conf: No such file or directory\nsessions cat: /run/nginx.pid\n";
    const text = WELL.replace(/^== setup$/m, "== setup\nafter upkeep").replace(/(?=^== end$)/m, unasked);
    const found = judge(readFacts(text, "=="), ASKED);
    expect(found[0]).toMatchObject({
        name: "setup",
        detail: "the machine is not set up: `pulumi up` runs, or stopped after the step upkeep",
        hint: "the set-up has to end first: run `pulumi up` again, and mend what its error says",
    });
    expect(found.filter(({ status }) => status !== "ok")).toHaveLength(1);
    expect(found.map(({ name }) => name)).not.toContain("kernel");
});

test.each([
    ["of the user's own", (text: string) => text, "ok: the certificate is tlsCertificate, which nothing renews"],
    ["of one of several machines", () => "none\n", "ok: the load balancer has the certificate that clients see"],
])("a certificate %s is not renewed", (_, mounts, sentence) => {
    const served = (text: string) =>
        text.replace(/^(file \S+) .*/m, "$1 /etc/linkmesh-proxy/tls/current/fullchain.pem");
    expect(about("renewal", { mounts, served })).toEqual([sentence]);
});

test("an old worker of nginx can be ended if memory is short", () => {
    const memory = "MemTotal: 1000 kB\nMemAvailable: 90 kB\n";
    const hint = (text: string) => judge(facts({ memory: text }), ASKED).find(({ name }) => name === "memory")!.hint;
    expect(hint(`${memory}old 71 300000\n`)).toContain("sudo kill 71");
    expect(hint(memory)).not.toContain("sudo kill");
});

test("a section that is not complete makes its topics wrong, whatever else is well", () => {
    const said = "E: The package lists or status file could not be parsed";
    for (const [section, topics] of [
        ["updates", ["packages", "updates"]],
        ["expected", ["files", "units", "packages"]],
        ["restart", ["restart"]],
        ["limits", ["sessions"]],
    ] as const) {
        const text = WELL.replace(/(?=^== end$)/m, `== unasked\n${section} ${said}\n`);
        const found = judge(readFacts(text, "=="), ASKED).filter(({ status }) => status !== "ok");
        expect(found.map(({ name, detail }) => `${name} ${detail}`)).toEqual(
            topics.map((name) => `${name} not all of it could be asked: ${said}`),
        );
    }
});

test.each<[string, Topic, Record<string, string | ((text: string) => string)>, RegExp]>([
    [
        "80% of a disk",
        "disks",
        { disks: (t) => t.replace(/^(disk \/srv\S* \S+ \S+) \d+/m, "$1 80") },
        /^warn: .*80% full/,
    ],
    [
        "90% of a disk",
        "disks",
        { disks: (t) => t.replace(/^(disk \/srv\S* \S+ \S+) \d+/m, "$1 90") },
        /^fail: .*90% full/,
    ],
    [
        "used inodes",
        "disks",
        { disks: (t) => t.replace(/^(disk \/srv\S* \S+ \S+ \d+) .*/m, "$1 95 100") },
        /^fail: the data volume \(\/srv\/linkmesh\) has used 95% of its inodes/,
    ],
    ["little memory", "memory", { memory: "MemTotal: 1000 kB\nMemAvailable: 90 kB\n" }, /^warn: 9% of 1 MiB/],
    [
        "old workers of nginx",
        "memory",
        { memory: "MemTotal: 1000 kB\nMemAvailable: 90 kB\nold 71 300000\nold 72 9600\n" },
        /^warn: 9% of 1 MiB is available; old workers of nginx: 2, with 302 MiB$/,
    ],
    ["no memory", "memory", { memory: "MemTotal: 1000 kB\nMemAvailable: 40 kB\n" }, /^fail: 4% of/],
    [
        "a program that was ended",
        "memory",
        { memory: (t) => `${t}2026-11-26T03:00 kernel: Out of memory: Killed process 7 (node)\n` },
        /^warn: the kernel ended a program .*\(node\)/,
    ],
    ["a unit that failed", "units", { failed: "apt-daily.service\n" }, /^warn: apt-daily\.service has failed/],
    [
        "a drop-in of somebody's",
        "units",
        { "drop-ins": "nginx.service /etc/systemd/system/nginx.service.d/override.conf\n" },
        /^warn: \/etc\/systemd\/system\/nginx\.service\.d\/override\.conf changes nginx\.service/,
    ],
    [
        "a unit that failed and is ours",
        "units",
        { expected: (t) => `${t}differs\tinstall\tunit\tlinkmesh-server.service\tenabled active\tenabled failed\t\n` },
        /^fail: linkmesh-server\.service has failed$/,
    ],
    [
        "a unit that does not start after a reboot",
        "units",
        { expected: (t) => `${t}differs\tnginx\tunit\tnginx.service\tenabled active\tdisabled active\t\n` },
        /^fail: nginx\.service is disabled instead of enabled, so it does not start after a reboot$/,
    ],
    [
        "another version of LinkMesh",
        "packages",
        { expected: (t) => `${t}differs\tinstall\tversion\tlinkmesh-server\t1.1\t1.2\t\n` },
        /^fail: linkmesh-server is 1\.2 instead of 1\.1$/,
    ],
    [
        "a package held back whose upgrade waits",
        "packages",
        { updates: (t) => `${t}held nginx\nInst nginx [1.26] (1.27 Debian-Security:13/stable-security [amd64])\n` },
        /^fail: nginx is held back, and an upgrade of it waits$/,
    ],
    [
        "another program on a port",
        "listeners",
        { listeners: (t) => `${t}listens 127.0.0.9:8080 users:(("python3",pid=999999,fd=3))\n` },
        /^fail: python3 \(process 999999\) listens on 127\.0\.0\.9:8080, which belongs to LinkMesh$/,
    ],
    [
        "a port of nginx in one family only",
        "listeners",
        { listeners: (t) => t.replace(/^listens \[::\]:443 .*\n/m, "") },
        /^fail: nginx does not listen on \[::\]:443$/,
    ],
    [
        "a volume that is not mounted",
        "mounts",
        { mounts: "missing /srv/linkmesh\n" },
        /^fail: the data volume is not mounted/,
    ],
    [
        "a file beside the volume",
        "mounts",
        { mounts: (t) => `${t}writes /opt/state.db\n` },
        /^fail: LinkMesh writes \/opt\/state\.db, which is not on the data volume/,
    ],
    [
        "open files",
        "sessions",
        { sessions: (t) => t.replace(/^(files LinkMesh \d+) .*/m, "$1 820 1024") },
        /^warn: LinkMesh \(process \d+\) has 820 of 1024 files open$/,
    ],
    [
        "local ports",
        "sessions",
        { sessions: (t) => `${t}ports 127.0.0.1:8080 54000\n` },
        /^fail: connections to 127\.0\.0\.1:8080 use 54000 of 54761 local ports$/,
    ],
    [
        "nginx's connections",
        "sessions",
        { sessions: (t) => t.replace(/^(files nginx \d+) \d+/m, "$1 14000") },
        /^warn: nginx \(process \d+\) uses 14000 of its 16384 connections$/,
    ],
    [
        "fewer open files than connections, until nginx starts again",
        "sessions",
        { sessions: (t) => `${t.replace(/20000$/gm, "4096")}unit 65536 granted\n` },
        /^warn: nginx may open 4096 files, but has 16384 connections$/,
    ],
    [
        "fewer open files than connections, because nginx's unit asks for no more",
        "sessions",
        { sessions: (t) => `${t.replace(/20000$/gm, "4096")}unit 4096 granted\n` },
        /^warn: nginx may open 4096 files, but has 16384 connections: its unit asks for 4096$/,
    ],
    [
        "fewer open files than connections, because the machine grants no more",
        "sessions",
        { sessions: (t) => `${t.replace(/20000$/gm, "4096")}unit 65536 refused\n` },
        /^warn: nginx may open 4096 files, but has 16384 connections: this machine does not grant the 65536 that/,
    ],
    [
        "five orders",
        "orders",
        { orders: orders(5) },
        /^fail: a\.example has had 5 of 5 certificates that Let's Encrypt gives in 7 days$/,
    ],
    ["four orders", "orders", { orders: orders(4) }, /^warn: a\.example has had 4 of 5/],
    ["orders of last week", "orders", { orders: orders(5, 604_900) }, /^ok: none at Let's Encrypt/],
    [
        "security updates",
        "updates",
        { updates: (t) => `${t}Inst libssl3t64 [3.5.1] (3.5.4 Debian-Security:13/stable-security [amd64])\n` },
        /^warn: security updates wait: libssl3t64$/,
    ],
    ["old lists", "updates", { updates: `lists ${NOW - 4 * 86_400}\n` }, /^warn: the lists of packages are 4 days old/],
    ["a replaced library", "restart", { libraries: "cron.service\n" }, /^warn: cron\.service run on libraries/],
    [
        "a newer kernel",
        "restart",
        { reboot: "running 6.12.9-cloud-amd64\ninstalled 6.12.10-cloud-amd64\ninstalled 6.12.11-amd64\n" },
        /^warn: the kernel 6\.12\.9-cloud-amd64 runs, and 6\.12\.10-cloud-amd64 is installed: a reboot is due$/,
    ],
])("%s is told", (_, topic, changes, sentence) => {
    expect(about(topic, changes)).toEqual([expect.stringMatching(sentence)]);
});

/** Lines of the ledger. */
function orders(count: number, age = 3600): string {
    const line = `${NOW - age} https://acme-v02.api.letsencrypt.org/directory a.example\n`;
    return line.repeat(count);
}

test("a folder's name begins no line of the facts, so that it forges none", async () => {
    const disk = mkdtempSync(join(tmpdir(), "linkmesh-disk-"));
    try {
        mkdirSync(join(disk, "x\n== expected\nlisted"));
        const look = join(import.meta.dirname, "../../doctor/look.sh");
        const script = `source ${look}; df() { printf '%s\\n' head '${disk} 100 90 90% 1 1'; }; disks`;
        const { stdout } = await execa("bash", ["-c", script]);
        expect(stdout.split("\n")).toEqual([
            `disk ${disk} 100 90 90 1 1`,
            ...Array<unknown>(2).fill(expect.stringMatching(/^folder /)),
        ]);
        expect(stdout).toContain("x\\n== expected\\nlisted");
    } finally {
        rmSync(disk, { recursive: true });
    }
});

test("the command that mends runs the steps again, and no command of the user's own program", () => {
    const pattern = /'(.*)'/.exec(MEND)![1]!;
    // As the engine reads it: ** is anything, and the rest is as it stands.
    const wanted = new RegExp(`^${pattern.replace(/[$.]/g, "\\$&").replaceAll("**", ".*")}$`);
    const urn = (types: string) => `urn:pulumi:prod::fleet::${types}$command:remote:Command::linkmesh-nginx`;
    expect(urn("linkmesh-proxy:index:LinkMeshProxy")).toMatch(wanted);
    expect(urn("linkmesh-proxy:index:LinkMesh$linkmesh-proxy:index:LinkMeshProxy")).toMatch(wanted);
    expect(urn("acme:index:Fleet$linkmesh-proxy:index:LinkMesh$linkmesh-proxy:index:LinkMeshProxy")).toMatch(wanted);
    expect(urn("acme:index:Fleet")).not.toMatch(wanted);
});

describe("the clock", () => {
    const shifted = (seconds: number) =>
        about("clock", {}, { began: ASKED.began - seconds, ended: ASKED.ended - seconds });

    test.each([
        [600, "fail: the machine's clock is 10 minutes fast, or yours is slow"],
        [-600, "fail: the machine's clock is 10 minutes slow, or yours is fast"],
        [8, "warn: the machine's clock is 8 seconds fast"],
        [3, "ok: within 1 s of yours"],
    ])("%s seconds off", (seconds, sentence) => expect(shifted(seconds)).toEqual([sentence]));

    test("a connection that takes long is no difference", () => {
        expect(about("clock", {}, { began: START - 100, ended: END + 100 })).toEqual(["ok: within 200 s of yours"]);
    });

    test("without a time server it is a warning, but a container has its host's clock", () => {
        const clock = (container: string) => `container=${container}\nNTP=no\nNTPSynchronized=no\n`;
        expect(about("clock", { clock: clock("none") })).toEqual([
            "warn: the machine's clock is not synchronized with a time server",
        ]);
        expect(about("clock", { clock: clock("systemd-nspawn") })).toEqual(["ok: within 1 s of yours"]);
    });
});

test("a machine without a data volume is well", () => {
    expect(about("mounts", { mounts: "none\n" })).toEqual(["ok: this machine has no data volume"]);
    expect(about("mounts", { mounts: "" })).toEqual(["fail: the machine mounts no data volume"]);
});

test("a next step that several findings in a row have stands below the last of them", () => {
    const finding = (hint: string) => ({ name: "files", status: "fail" as const, detail: "x", hint });
    const hints = withoutRepeatedHints(["a", "a", "b", "a"].map(finding)).map(({ hint }) => hint);
    expect(hints).toEqual([undefined, "a", "b", "a"]);
});
