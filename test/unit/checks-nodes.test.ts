import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runChecks } from "../../checks/index.ts";
import { judgeSetup, SETUP_SCRIPT } from "../../checks/setup.ts";
import { skippedChecks } from "../../checks/target.ts";
import type { Target } from "../../checks/types.ts";

/** A machine whose journal tells of a client at the limit, one that is well, and one that nobody can log in to. */
const says = (text: string) => ["sh", "-c", `cat >/dev/null; printf '%s' '${text}'`, "ssh"];
const NODES = [
    { name: "node-1", ssh: says('limiting connections by zone "linkmesh_sessions", client: 192.0.2.1, x') },
    { name: "node-2", ssh: says("") },
    { name: "node-3", ssh: ["sh", "-c", "echo 'ssh: no route' >&2; exit 255", "ssh"] },
];
const TARGET: Target = {
    host: "linkmesh.example.com",
    ipv4: "127.0.0.1",
    ipv6: false,
    balancer: { ipv4: ["127.0.0.1"], ipv6: [] },
};

test("each of several machines is asked, and its result begins with its name", async () => {
    const results = await runChecks({ ...TARGET, nodes: NODES }, { only: ["limits"] });
    expect(results.map(({ name, status, detail }) => `${name} ${status} ${detail}`)).toEqual([
        expect.stringMatching(/^limits warn node-1: 192\.0\.2\.1 reached the session limit/),
        "limits ok node-2: no client was refused for too many sessions in the last hour",
        expect.stringMatching(/^limits fail node-3: .*no route/),
    ]);
});

test("behind a load balancer no machine is asked for the certificate", () => {
    const machineChecks = ["setup", "renewal", "served", "restart", "limits"] as const;
    const asked = (target: Target) => machineChecks.filter((name) => !skippedChecks(target).has(name));
    expect(asked({ ...TARGET, nodes: NODES })).toEqual(["setup", "restart", "limits"]);
    expect(asked({ ...TARGET, ssh: ["ssh"] })).toEqual(["setup", "restart", "limits"]);
    expect(asked({ host: TARGET.host, ssh: ["ssh"] })).toEqual([...machineChecks]);
    expect(asked(TARGET)).toEqual([]);
});

test("each of several machines is asked whether it is well, because a load balancer's answer comes from any of them", async () => {
    const line = (item: string, verdict: string, sentence: string) => `${item}\t${verdict}\t\t${sentence}\n`;
    const nodes = [
        {
            name: "node-1",
            ssh: says(line("linkmesh", "ok", "LinkMesh answers.") + line("disk", "wrong", "/ is full.")),
        },
        { name: "node-2", ssh: says(line("linkmesh", "ok", "LinkMesh answers.")) },
        { name: "node-3", ssh: says("") },
    ];
    const target = { ...TARGET, balancer: { ipv4: [], ipv6: [] }, health: true, nodes };
    const results = await runChecks(target, { only: ["health"] });
    expect(results.map(({ name, status, detail }) => `${name} ${status} ${detail}`)).toEqual([
        "health fail node-1: / is full.",
        "health ok node-2: LinkMesh, the certificate and the disks are well",
        "health fail node-3: the machine does not say whether it is well",
    ]);
});

test("all addresses of a load balancer are asked, in both families, and the results name them", async () => {
    const balancer = { ipv4: ["127.0.0.1", "127.0.0.2"], ipv6: ["::1"] };
    // Nothing listens there.
    const target = { ...TARGET, ipv6: "::1", balancer, httpsPort: 1 };
    const results = await runChecks(target, { only: ["https"] });
    expect(results.map(({ family, detail }) => [family, /^[\d.]+: /.exec(detail)?.[0]])).toEqual([
        ["ipv4", "127.0.0.1: "],
        ["ipv4", "127.0.0.2: "],
        ["ipv6", undefined],
    ]);
});

describe("a machine on which pulumi up has not ended", () => {
    /** What the script prints on a machine with these lists, the newest last. */
    function shown(...steps: string[]): string {
        const folder = mkdtempSync(join(tmpdir(), "expected-"));
        onTestFinished(() => rmSync(folder, { recursive: true }));
        mkdirSync(join(folder, "expected"));
        for (const [index, step] of steps.entries()) {
            writeFileSync(join(folder, "expected", step), "");
            utimesSync(join(folder, "expected", step), index, index);
        }
        const script = SETUP_SCRIPT.replace("/var/lib/linkmesh-proxy", folder);
        return execFileSync("sh", { input: script, encoding: "utf8" });
    }

    test.each<[string[], string]>([
        [["ready", "upkeep", "nginx"], "stopped after the step nginx"],
        [["nginx", "ready", "verify"], "no step of `pulumi up` is missing"],
        [["ready", "node", "proxy", "verify"], "stopped after the step verify"],
        [["node", "verify", "in-service"], "no step of `pulumi up` is missing"],
    ])("lists of %j", (steps, sentence) => expect(judgeSetup(shown(...steps)).detail).toContain(sentence));

    test("a machine of another program, or of a version without lists, is not judged", () => {
        const script = SETUP_SCRIPT.replace("/var/lib/linkmesh-proxy", "/nowhere");
        expect(execFileSync("sh", { input: script, encoding: "utf8" })).toBe("");
    });

    test("what fails there has that as its hint, instead of nginx", async () => {
        const target = { ...TARGET, balancer: undefined, httpsPort: 1, ssh: says("after nginx\n") };
        const hints = (await runChecks(target, { only: ["setup", "https", "limits"] })).map((one) => [
            ...[one.name, one.status, one.hint?.includes("run `pulumi up` again")],
        ]);
        expect(hints).toEqual([
            ["setup", "fail", true],
            ["https", "fail", true],
            ["limits", "ok", undefined],
        ]);
    });
});
