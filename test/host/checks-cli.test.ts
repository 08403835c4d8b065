import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CheckResult } from "../../checks/index.ts";
import { authorities, HOST, startSite, status, UI_HOST, type Authorities, type Site } from "./checks-site.ts";

let trust: Authorities;
let site: Site;
let directory: string;
let arguments_: string[];

beforeAll(async () => {
    trust = await authorities();
    site = await startSite(trust);
    directory = mkdtempSync(join(tmpdir(), "linkmesh-check-"));
    writeFileSync(join(directory, "ca.pem"), trust.publicCa.pem);
    arguments_ = commandLine(site);
});
afterAll(async () => {
    await site.stop();
    rmSync(directory, { recursive: true });
});

function commandLine({ target }: Site): string[] {
    const { ipv4, httpPort, httpsPort, grpc } = target;
    return `${HOST} --ipv4 ${ipv4} --ca ${directory}/ca.pem --http-port ${httpPort} --https-port ${httpsPort} --grpc-port ${grpc.port}`.split(
        " ",
    );
}

const cli = (...args: string[]) => cliIn(process.env, ...args);

function cliIn(
    env: NodeJS.ProcessEnv,
    ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, ["run.js", "checks/cli.ts", ...args], { env });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

const PUBLIC_CHECKS = ["--only", "redirect", "https", "certificate", "opamp", "grpc"];

test("a good set-up prints one ticked line per check, and exits 0", async () => {
    const { code, stdout, stderr } = await cli(...arguments_, ...PUBLIC_CHECKS);
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^✓ redirect {4}ipv4 {2}301/),
        expect.stringMatching(/^✓ https {7}ipv4 {2}200/),
        expect.stringMatching(/^✓ certificate ipv4 {2}linkmesh/),
        expect.stringMatching(/^✓ opamp {7}ipv4 {2}401/),
        expect.stringMatching(/^✓ grpc {8}ipv4 {2}LinkMesh's own/),
    ]);
    expect(code).toBe(0);
});

/** The results of the only host in what `--format json` prints. */
function resultsIn(stdout: string): CheckResult[] {
    const { hosts } = JSON.parse(stdout) as { hosts: { results: CheckResult[] }[] };
    expect(hosts).toHaveLength(1);
    return hosts[0]!.results;
}

test("--format json prints one document and nothing else", async () => {
    const { code, stdout } = await cli(...arguments_, ...PUBLIC_CHECKS, "--format", "json");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, hosts: [{ host: HOST, ok: true }] });
    expect(resultsIn(stdout).map(({ name }) => name)).toEqual(PUBLIC_CHECKS.slice(1));
    expect(code).toBe(0);
});

test("a failure prints what is wrong and what to do, and exits 1; a warning exits 0", async () => {
    const down = await startSite(trust, { upgrade: status("502 Bad Gateway"), https: (_, response) => response.end() });
    try {
        const { code, stdout } = await cli(...commandLine(down), "--only", "opamp");
        expect(stdout).toMatch(
            /^✗ opamp {7}ipv4 {2}502: .*\n {20}LinkMesh is stopped, .*; on the machine: `systemctl status linkmesh-server; /,
        );
        expect(code).toBe(1);
        const warned = await cli(...commandLine(down), "--only", "https");
        expect(warned.stdout).toMatch(/^! https .*without HSTS/);
        expect(warned.code).toBe(0);
    } finally {
        await down.stop();
    }
});

test.each<[what: string, script: string, line: RegExp, code: number, timeout?: number]>([
    [
        "renews",
        "cat <<'SHOWN'\nId=certbot.timer\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=certbot.service\nLoadState=loaded\nActiveState=inactive\nResult=success\nSHOWN",
        /^✓ renewal {11}the timer is active/,
        0,
    ],
    [
        "refuses the key",
        "echo 'admin@192.0.2.7: Permission denied (publickey).' >&2; exit 255",
        /^✗ renewal .*over SSH failed: admin@192\.0\.2\.7: Permission denied \(publickey\)\.\n {20}sshAllowedCidrs lacks your address, .* try it by hand with what this prints: `pulumi stack output sshCommand`/,
        1,
    ],
    [
        "has a host key that ssh does not know",
        "echo 'Host key verification failed.' >&2; exit 255",
        /^✗ renewal .*Host key verification failed\.\n {20}ssh does not know the host key .*`pulumi stack output sshHostKey`$/m,
        1,
    ],
    ["says nothing", "exec sleep 60", /^✗ renewal .*over SSH failed: no answer within 1 s\n/, 1, 1],
])("--ssh: a machine that %s", async (_, script, line, expected, timeout = 60) => {
    writeFileSync(join(directory, "ssh"), script);
    const ssh = `sh ${directory}/ssh admin@192.0.2.7`;
    const { code, stdout } = await cli(...arguments_, "--only", "renewal", "--timeout", `${timeout}`, "--ssh", ssh);
    expect(stdout).toMatch(line);
    expect(code).toBe(expected);
});

test("--ssh: each script parses on the machine and runs as root", async () => {
    // What ssh would send goes to a shell here, in which `sh` shows the user, checks the script, and runs nothing.
    writeFileSync(join(directory, "ssh"), 'sh() { echo "$(id -u) $*" >&2; command sh -n; }; eval "$2"');
    const ssh = `sh ${directory}/ssh admin@192.0.2.7`;
    for (const name of ["setup", "renewal", "served", "restart", "limits"]) {
        const { stdout } = await cli(...arguments_, "--only", name, "--ssh", ssh);
        expect(stdout, name).not.toMatch(/could not be asked|[Ss]yntax/);
    }
});

test("without --ssh the checks on the machine are skipped", async () => {
    const { stdout } = await cli(...arguments_, "--format", "json");
    const names = resultsIn(stdout).map(({ name }) => name);
    for (const name of ["setup", "renewal", "served", "restart", "limits"]) expect(names).not.toContain(name);
});

test("without port 80, without gRPC, with a name for the UI", async () => {
    const other = await startSite(trust, { names: ["ui"] });
    try {
        const args = commandLine(other)
            .join(" ")
            .replace(/--http-port \d+/, "--no-http");
        const modes = [
            ...args.replace(/--grpc-port \d+/, "--no-grpc").split(" "),
            "--ui-host",
            UI_HOST,
            "--format",
            "json",
        ];
        const { stdout } = await cli(...modes);
        const results = resultsIn(stdout);
        expect(results.map(({ name }) => name)).toEqual(["https", "ui", "certificate", "opamp", "agent", "closed"]);
        expect(results.at(-1)!.detail).toMatch(/8080, 50061, 80 and 50051/);
    } finally {
        await other.stop();
    }
});

test("--own-certificate: the renewal is skipped, even with --ssh", async () => {
    const { stdout } = await cli(...arguments_, "--ssh", "false", "--own-certificate", "--format", "json");
    expect(resultsIn(stdout).map(({ name }) => name)).not.toContain("renewal");
});

/** Outputs of a stack that leads to the site's address; the ports are the test's own. */
function outputsFile(...hosts: [host: string, change?: object][]): string {
    const ssh = { host: "127.0.0.1", user: "admin", hostKey: "ssh-ed25519 AAAA", generatedKey: true };
    const rest = { ipv4: "127.0.0.1", http: true, ownCertificate: false, paused: false, ca: trust.publicCa.pem, ssh };
    const file = join(directory, "outputs.json");
    const outputs = hosts.map(([host, change], index) => [`proxy${index}`, { checks: { host, ...rest, ...change } }]);
    writeFileSync(file, JSON.stringify(Object.fromEntries(outputs)));
    return file;
}

function ports({ target: { httpPort, httpsPort } }: Site): string[] {
    return ["--http-port", `${httpPort}`, "--https-port", `${httpsPort}`];
}

test("--from: all hosts of a stack are checked with what its outputs say, and --host picks one", async () => {
    const file = outputsFile([HOST], ["other.example.test"]);
    const { code, stdout, stderr } = await cli("--from", file, ...ports(site), "--only", "https");
    expect(stderr).toBe("");
    const noKey: unknown = expect.stringMatching(
        /^ {20}the login key is not among the outputs: export sshPrivateKey beside checks/,
    );
    expect(stdout.trimEnd().split("\n")).toEqual([
        HOST,
        expect.stringMatching(/^✓ https {7}ipv4 {2}200/),
        expect.stringMatching(/^! machine .*nothing was checked on the machine$/),
        noKey,
        "",
        "other.example.test",
        expect.stringMatching(/^✗ https {7}ipv4 {2}the certificate is for linkmesh/),
        expect.anything(),
        expect.stringMatching(/^! machine/),
        noKey,
    ]);
    expect(code).toBe(1);
    const one = await cli("--from", file, "--host", HOST, ...ports(site), "--only", "https", "--no-ssh");
    expect(one.stdout).toMatch(/^✓ https {7}ipv4 {2}200.*\n$/);
    expect(one.code).toBe(0);
});

test("--from: a paused stack gets a warning with the command that ends the pause, and exit 0", async () => {
    const { code, stdout } = await cli("--from", outputsFile([HOST, { paused: true }]));
    expect(stdout).toMatch(
        /^! machine {11}the stack is paused and has no machine: nothing was checked\n {20}pulumi config set/,
    );
    expect(code).toBe(0);
});

test("--stack: the next command is for the stack that was named", async () => {
    writeFileSync(join(directory, "pulumi"), `#!/bin/sh\ncat '${outputsFile([HOST, { paused: true }])}'\n`, {
        mode: 0o755,
    });
    const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
    const { stdout } = await cliIn(env, "--stack", "prod");
    expect(stdout).toMatch(/^ {20}pulumi config set --stack prod paused false && pulumi up --stack prod$/m);
});

test("a next step that several findings have stands below the first of them", async () => {
    writeFileSync(join(directory, "ssh"), "echo refused >&2; exit 255");
    const machine = ["--only", "renewal", "restart", "limits", "--ssh", `sh ${directory}/ssh admin@192.0.2.7`];
    const { stdout } = await cli(...arguments_, ...machine);
    expect(stdout.match(/^✗ \w+ +the command over SSH failed: refused$/gm)).toHaveLength(3);
    expect(stdout.match(/sshAllowedCidrs lacks your address/g)).toHaveLength(1);
    const json = await cli(...arguments_, ...machine, "--json");
    expect(resultsIn(json.stdout).every(({ hint }) => hint!.startsWith("sshAllowedCidrs"))).toBe(true);
});

test("--markdown prints one document and nothing else", async () => {
    const { code, stdout } = await cli(...arguments_, ...PUBLIC_CHECKS, "--markdown");
    expect(stdout).toMatch(/^### ✅ check linkmesh\.example\.test: nothing failed\n\n<details>/);
    expect(code).toBe(0);
});

test.each<[string[], RegExp]>([
    [[], /name what to check: --stack, --from FILE, or a host name such as linkmesh\.example\.com/],
    [[HOST, "--stack", "dev"], /linkmesh\S+ and a stack exclude each other: --host linkmesh\S+ picks a host/],
    [["--stack", "--from", "outputs.json"], /'--from <file>' cannot be used with option '--stack \[name\]'/],
    [["--from", "/does/not/exist"], /the JSON file \/does\/not\/exist cannot be read \(ENOENT\)/],
    [["--from", "package.json"], /package\.json holds no output `checks`/],
    [["--json", "outputs.json"], /outputs\.json is a file and no host name: --from outputs\.json reads it/],
    [["--stack", "--cwd", "/does/not/exist"], /there is no directory \/does\/not\/exist: --cwd/],
    [[HOST, "--format", "yaml"], /Allowed choices are text, json, markdown/],
    [["https://linkmesh.example.com/"], /"https:\/\/linkmesh.example.com\/" is not a host name/],
    [[HOST, "--ca", "/does/not/exist"], /CA file \/does\/not\/exist cannot be read \(ENOENT\)/],
    [[HOST, "--ca", "package.json"], /no certificate in PEM format/],
    [[HOST, "--only", "htps"], /no check "htps": the checks are addresses, setup, redirect/],
    [[HOST, "--only", "renewal"], /the check "renewal" needs a way to log in to the machine: --ssh/],
    [
        [HOST, "--only", "renewal", "--ssh", "ssh", "--own-certificate"],
        /"renewal" does not apply to an own certificate/,
    ],
    [[HOST, "--only", "redirect", "--no-http"], /"redirect" needs port 80, which is off/],
    [[HOST, "--only", "grpc", "--no-grpc"], /"grpc" needs gRPC, which is off/],
    [[HOST, "--only", "ui"], /"ui" needs a name of the web UI's own: --ui-host/],
    [[HOST, "--no-http", "--http-port", "8000"], /'--no-http' cannot be used with option '--http-port <port>'/],
    [[HOST, "--no-grpc", "--grpc-host", "g.example.com"], /'--no-grpc' cannot be used with option '--grpc-host/],
    [[HOST, "--grpc-port", "443"], /gRPC on the HTTPS port 443 needs a name of its own, not linkmesh/],
    [[HOST, "--ui-host", HOST], /linkmesh\S+ is the public host, not a name of the web UI's own: remove --ui-host/],
    [[HOST, "--ui-host", "https://ui.example.com"], /"https:\/\/ui.example.com" is not a host name/],
    [[HOST, "--ssh", ""], /the ssh command is empty/],
    [[HOST, "--wait", "soon"], /must be a number/],
])("bad usage %j: one sentence, exit 2", async (args, sentence) => {
    const { code, stdout, stderr } = await cli(...args);
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
});
