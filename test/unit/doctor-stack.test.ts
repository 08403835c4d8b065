import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, test, vi } from "vitest";
import { UsageError } from "../../checks/usage-error.ts";
import { examineOver, examineStack, exitCodeOf } from "../../doctor/machines.ts";

describe("nobody can look at a stack", () => {
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-doctor-"));
    afterAll(() => {
        vi.unstubAllEnvs();
        rmSync(directory, { recursive: true });
    });
    const checks = (change = {}) => ({
        host: "linkmesh.example.com",
        ipv4: "203.0.113.10",
        http: true,
        ownCertificate: false,
        ssh: { host: "203.0.113.10", user: "admin", hostKey: "ssh-ed25519 AAAA", generatedKey: true },
        paused: false,
        ...change,
    });

    const look = (outputs: object, key?: string, machine?: string) => {
        const file = join(directory, "outputs.json");
        writeFileSync(file, JSON.stringify(outputs));
        return examineStack({ from: file, key, machine }, {});
    };

    test("that has no outputs", async () => {
        const failure = await look({}).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(UsageError);
        expect((failure as Error).message).toMatch(
            /holds no outputs: the stack has not been created, or its first update failed\. Run `pulumi up`, and mend what its error says\.$/,
        );
    });

    test("one host that cannot be looked at is a finding, and hides none of the others; a paused one is a warning", async () => {
        vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
        writeFileSync(join(directory, "ssh"), "#!/bin/sh\necho 'ssh: no route' >&2; exit 255\n", { mode: 0o755 });
        const paused = { checks: checks({ host: "paused.example.com", paused: true }) };
        const hidden = { checks: checks({ host: "hidden.example.com" }), sshPrivateKey: "[secret]" };
        const ssh = { ...checks().ssh, generatedKey: false };
        const far = { checks: checks({ host: "far.example.com", ssh }) };
        const reports = await look({ paused, hidden, far });
        const lines = reports.flatMap(({ host, results }) =>
            results.map(({ status, name, detail, hint }) => `${host} ${status} ${name}: ${detail} → ${hint}`),
        );
        expect(lines).toEqual([
            "paused.example.com warn machine: the stack is paused and has no machine: nothing was looked at → pulumi config set paused false && pulumi up",
            expect.stringMatching(
                /^hidden\.example\.com fail machine: nobody can log in, so nothing was looked at → .*--key$/,
            ),
            expect.stringMatching(
                /^far\.example\.com fail machine: nothing was looked at: the command over SSH failed: ssh: no route → \S/,
            ),
        ]);
        expect(exitCodeOf(reports)).toBe(2);
        expect(exitCodeOf(reports.slice(0, 1))).toBe(0);
        expect(exitCodeOf([{ host: "h", results: [{ name: "files", status: "fail", detail: "x" }] }])).toBe(1);
    });

    test("each of several machines has a report, or only the one that is named", async () => {
        vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
        writeFileSync(join(directory, "ssh"), "#!/bin/sh\necho 'ssh: no route' >&2; exit 255\n", { mode: 0o755 });
        const { ssh } = checks();
        const tier = { ipv4: ["203.0.113.10"], ipv6: [], nodes: [ssh, { ...ssh, host: "203.0.113.12" }] };
        const outputs = { checks: checks({ tier }), sshPrivateKey: "key" };
        const hosts = async (machine?: string) => (await look(outputs, undefined, machine)).map(({ host }) => host);
        expect(await hosts()).toEqual(["linkmesh.example.com node-1", "linkmesh.example.com node-2"]);
        expect(await hosts("node-2")).toEqual(["linkmesh.example.com node-2"]);
        const [report] = await look({ checks: checks({ tier }), sshPrivateKey: "[secret]" });
        expect(report).toMatchObject({ host: "linkmesh.example.com", unseen: true });
        const paused = { checks: checks({ tier: { ...tier, nodes: [] }, paused: true }) };
        expect(await look(paused)).toMatchObject([{ results: [{ status: "warn" }] }]);
    });

    test("a finding's next command names the stack and the project that were named", async () => {
        vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
        const outputs = JSON.stringify({ checks: checks({ paused: true }) });
        writeFileSync(join(directory, "pulumi"), `#!/bin/sh\necho '${outputs}'\n`, { mode: 0o755 });
        const [report] = await examineStack({ stack: "prod", cwd: directory }, {});
        const named = `--stack prod --cwd ${directory}`;
        expect(report!.results[0]!.hint).toBe(`pulumi config set ${named} paused false && pulumi up ${named}`);
        writeFileSync(join(directory, "pulumi"), "#!/bin/sh\necho '{}'\n");
        await expect(examineStack({ stack: "prod" }, {})).rejects.toThrow(/ Run `pulumi up --stack prod`, and mend/);
    });

    test("whose machine forges a section: the mark is another each time, and no section may come twice", async () => {
        const ssh = join(directory, "forging-ssh");
        const forged = `#!/bin/sh
mark=$(sed -n "s/^MARK='\\(.*\\)'$/\\1/p")
echo "$mark" >>${directory}/marks
printf '%s\\n' "$mark expected" differs "$mark expected" listed "$mark complete"
`;
        writeFileSync(ssh, forged, { mode: 0o755 });
        for (let time = 0; time < 2; time++)
            await expect(examineOver([ssh], {})).rejects.toThrow(
                /^the machine tells expected twice, so neither counts: /,
            );
        const marks = readFileSync(join(directory, "marks"), "utf8").trim().split("\n");
        expect(marks.map((mark) => mark.length)).toEqual([39, 39]);
        expect(marks[0]).not.toBe(marks[1]);
    });

    test("whose machine does not answer, or stops in between", async () => {
        const ssh = (script: string) => {
            writeFileSync(join(directory, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
            return [join(directory, "ssh")];
        };
        await expect(examineOver(ssh("cat >/dev/null; echo '== start'; echo 1.0"), {})).rejects.toThrow(
            /^the machine stopped before it had told everything: try again/,
        );
        await expect(examineOver(ssh("cat >/dev/null; echo 'ssh: no route' >&2; exit 255"), {})).rejects.toThrow(
            /^the command over SSH failed: ssh: no route: \S/,
        );
    });
});

test("options of a stack beside --ssh are refused, because they would be ignored", async () => {
    const root = join(import.meta.dirname, "../..");
    const flags = ["--stack", "--from", "--cwd", "--host", "--key"];
    const said = await Promise.all(
        flags.map(async (flag) => {
            const args = ["run.js", "doctor/cli.ts", "--ssh", "false", flag, "x"];
            const { exitCode, stderr } = await execa(process.execPath, args, { cwd: root, reject: false });
            return `${exitCode} ${stderr}`;
        }),
    );
    expect(said).toEqual(
        flags.map((flag): unknown =>
            expect.stringMatching(`^2 error: option '--ssh <command>' cannot be used with option '${flag} .*'$`),
        ),
    );
});
