import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, test, vi } from "vitest";
import { UsageError } from "../../checks/usage-error.ts";
import { readFacts } from "../../doctor/facts.ts";
import { judge } from "../../doctor/index.ts";
import { judgePreview, previewChanges } from "../../doctor/preview.ts";
import { withoutRepeatedHints } from "../../doctor/print.ts";
import { judgeSnapshots, lookForSnapshot } from "../../doctor/judges/snapshot.ts";
import { MEND, type Topic } from "../../doctor/finding.ts";
import { readPreview } from "../../preview/preview.ts";

/** What a machine in the lab has printed. */
const WELL = readFileSync(join(import.meta.dirname, "doctor-facts.txt"), "utf8");
const START = Number(/== start\n(\d+\.\d+)/.exec(WELL)![1]);
const END = Number(/== end\n(\d+\.\d+)/.exec(WELL)![1]);
const ASKED = { began: START - 0.4, ended: END + 0.1 };
const NOW = Math.round(END);

/** The facts with another text in a section: a function of its text, or the whole text. */
function facts(changes: Partial<Record<string, string | ((text: string) => string)>> = {}) {
    const sections = WELL.split(/^== /m).slice(1);
    const names = sections.map((section) => section.split("\n")[0]!);
    for (const name of Object.keys(changes)) expect(names).toContain(name);
    const changed = sections.map((section) => {
        const end = section.indexOf("\n") + 1;
        const change = changes[section.slice(0, end - 1)];
        const text = section.slice(end);
        return `== ${section.slice(0, end)}${typeof change === "function" ? change(text) : (change ?? text)}`;
    });
    return readFacts(changed.join(""), "==");
}

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
    expect(ok).toEqual(["units", "packages", "kernel", "orders", "restart"]);
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

describe("snapshots", () => {
    const taken = (days: number, State = "completed") => ({
        StartTime: new Date((NOW - days * 86_400) * 1000).toISOString(),
        State,
    });
    test.each([
        [[], /^ok the data have no snapshot/],
        [[taken(1), taken(2)], /^ok the newest of 2 is of/],
        [[taken(3), taken(4)], /^warn the newest snapshot of the data is of/],
        [[taken(1, "error"), taken(2, "error")], /^warn 2 snapshots of the data failed/],
        [[taken(1), taken(1, "error")], /^warn 1 snapshots of the data failed/],
    ])("%j", (snapshots, sentence) => {
        const { status, detail } = judgeSnapshots(snapshots, NOW);
        expect(`${status} ${detail}`).toMatch(sentence);
    });

    test("are looked for by the tag that the machine's data have, and if that fails the line says why", async () => {
        const asked: string[] = [];
        const source = (...args: string[]) => Promise.resolve((asked.push(...args), "no credentials"));
        const { status, detail } = await lookForSnapshot(facts(), source, NOW);
        expect(asked).toEqual(["linkmesh-proxy/lab/linkmesh", "eu-central-1"]);
        expect([status, detail]).toEqual(["ok", "not looked for: no credentials"]);
    });
});

describe("what a preview would change", () => {
    const step = (op: string, urn: string, custom = true) => {
        const state = { custom };
        return {
            op,
            urn: `urn:pulumi:prod::fleet::${urn}`,
            ...(op === "delete" ? { oldState: state } : { newState: state }),
        };
    };
    const printed = (steps: object[]) => readPreview(JSON.stringify({ steps }));

    test("is a finding for each resource, and one that all is well", () => {
        expect(judgePreview(printed([step("same", "aws:ec2/eip:Eip::linkmesh-eip")]))).toMatchObject([
            { status: "ok" },
        ]);
        const machine = "linkmesh-proxy:index:LinkMeshProxy$aws:ec2/instance:Instance::linkmesh-machine";
        const found = judgePreview(
            printed([
                step("same", "pulumi:pulumi:Stack::fleet-prod", false),
                step("update", "pulumi:pulumi:Stack::fleet-prod", false),
                step("create-replacement", machine),
                step("replace", machine),
                step("delete", "aws:route53/record:Record::linkmesh-dns-a"),
            ]),
        );
        expect(found.map(({ status, detail }) => `${status} ${detail}`)).toEqual([
            "fail Instance linkmesh-machine would be replaced",
            "fail Record linkmesh-dns-a would be deleted",
        ]);
    });

    describe("by the CLI", () => {
        const directory = mkdtempSync(join(tmpdir(), "linkmesh-drift-"));
        afterAll(() => {
            vi.unstubAllEnvs();
            rmSync(directory, { recursive: true });
        });

        test.each([
            ["prints nothing", "", 0, /^what `pulumi preview .*` printed cannot be read: the preview is empty: /],
            ["prints something else", "{}", 0, /cannot be read: this is not the output of `pulumi preview --json`/],
            ["fails before the program runs", "", 1, /^pulumi preview failed: there is no stack "prod"\. /],
            [
                "fails in the program",
                JSON.stringify({ diagnostics: [{ severity: "error", message: "domain is missing" }] }),
                1,
                /^pulumi preview failed: domain is missing\.$/,
            ],
        ])("that %s is not taken for no drift", async (_, stdout, code, sentence) => {
            const script = `#!/bin/sh\nprintf %s '${stdout}'\necho "error: no stack named 'prod' found" >&2\nexit ${code}\n`;
            writeFileSync(join(directory, "pulumi"), script, { mode: 0o755 });
            vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
            const failure = await previewChanges({}).catch((error: unknown) => error);
            expect(failure).toBeInstanceOf(UsageError);
            expect((failure as Error).message).toMatch(sentence);
        });
    });
});

test("a next step that several findings in a row have stands below the last of them", () => {
    const finding = (hint: string) => ({ name: "files", status: "fail" as const, detail: "x", hint });
    const hints = withoutRepeatedHints(["a", "a", "b", "a"].map(finding)).map(({ hint }) => hint);
    expect(hints).toEqual([undefined, "a", "b", "a"]);
});
