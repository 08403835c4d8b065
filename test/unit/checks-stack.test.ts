import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readStack, type StackOptions, type StackTarget } from "../../checks/stack.ts";

const HOST_KEY = "ssh-ed25519 AAAAhost";
const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n";

const checks = (host: string, change = {}) => ({
    host,
    ipv4: "203.0.113.10",
    http: true,
    ownCertificate: false,
    ssh: { host: "203.0.113.10", user: "admin", hostKey: HOST_KEY, generatedKey: true },
    paused: false,
    laterProperty: 1,
    ...change,
});
const BLUE = checks("blue.example.com");
const GREEN = checks("green.example.com");
const ownKey = (host: string) => checks(host, { ssh: { ...BLUE.ssh, generatedKey: false } });

const directory = mkdtempSync(join(tmpdir(), "linkmesh-stack-"));
const file = join(directory, "outputs.json");
const calls = join(directory, "calls");
const opened: StackTarget[] = [];
beforeEach(() => rmSync(calls, { force: true }));
afterAll(() => {
    for (const proxy of opened) proxy.dispose();
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
});

/** A stand-in for the CLI on PATH, which prints these outputs, secrets only on request. */
function pulumiPrints(outputs: object, hidden = outputs): void {
    const bin = join(directory, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "shown"), JSON.stringify(outputs));
    writeFileSync(join(bin, "hidden"), JSON.stringify(hidden));
    writeFileSync(
        join(bin, "pulumi"),
        `#!/bin/sh\necho "$PWD: $*" >>${calls}\ncase "$*" in *--show-secrets*) cat ${bin}/shown ;; *) cat ${bin}/hidden ;; esac\n`,
    );
    chmodSync(join(bin, "pulumi"), 0o755);
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
}

async function read(options: StackOptions): Promise<StackTarget[]> {
    const proxies = await readStack(options);
    opened.push(...proxies);
    return proxies;
}

function readJson(outputs: unknown, options: StackOptions = {}): Promise<StackTarget[]> {
    writeFileSync(file, typeof outputs === "string" ? outputs : JSON.stringify(outputs));
    return read({ from: file, ...options });
}

const hosts = (proxies: StackTarget[]) => proxies.map(({ target }) => target.host);

test.each<[string, object, string[]]>([
    ["at the top level", { checks: BLUE, publicUrl: "https://…" }, ["blue.example.com"]],
    ["under any name", { first: BLUE, second: GREEN }, ["blue.example.com", "green.example.com"]],
    ["one level down", { checks: BLUE, green: { checks: GREEN } }, ["blue.example.com", "green.example.com"]],
])("the output is found %s", async (_, outputs, found) => {
    expect(hosts(await readJson(outputs))).toEqual(found);
});

test("a host can be picked", async () => {
    expect(hosts(await readJson({ a: BLUE, b: GREEN }, { host: "green.example.com" }))).toEqual(["green.example.com"]);
});

test("a stack's records are compared with its addresses", async () => {
    expect((await readJson({ checks: BLUE }))[0]!.target).toMatchObject({ dns: "system", ipv4: "203.0.113.10" });
});

test.each<[string, unknown, StackOptions, RegExp]>([
    ["no JSON", "error: no stack selected", {}, /outputs\.json is not what `pulumi stack output --json` prints/],
    ["another program's JSON", [1], {}, /is not what `pulumi stack output --json` prints/],
    [
        "no outputs",
        {},
        {},
        /holds no outputs: the stack has not been created, or its first update failed\. Run `pulumi up`/,
    ],
    ["other outputs", { url: "x" }, {}, /holds no output `checks`\. Export `checks` of your LinkMesh/],
    ["an output of the same name", { checks: { host: "x" } }, {}, /holds no output `checks`/],
    ["only secret outputs", { all: "[secret]" }, {}, /shows no output `checks`, but secret ones/],
    ["another host", { checks: BLUE }, { host: "x.org" }, /has no host x\.org\. It has blue\.example\.com\./],
    [
        "a line more than a host key",
        { checks: checks("a", { ssh: { ...BLUE.ssh, hostKey: "k y\nHost *" } }) },
        {},
        /holds no output `checks`/,
    ],
])("a file with %s: one sentence", async (_, outputs, options, sentence) => {
    const error = await readJson(outputs, options).catch((error: unknown) => error as Error);
    expect(error).toMatchObject({ name: "UsageError", message: expect.stringMatching(sentence) as string });
    expect((error as Error).message).not.toContain("\n");
});

test("a file that is not there: one sentence", async () => {
    await expect(read({ from: "/does/not/exist" })).rejects.toThrow(
        "the JSON file /does/not/exist cannot be read (ENOENT).",
    );
});

test("the generated key comes from the stack into a file of its own, which goes", async () => {
    pulumiPrints({ blue: { checks: BLUE, sshPrivateKey: KEY } }, { blue: { checks: BLUE, sshPrivateKey: "[secret]" } });
    const [{ ssh, dispose }] = (await read({ stack: "dev", cwd: directory })) as [StackTarget];
    const where = `${directory}: --non-interactive stack output --json --stack dev`;
    expect(readFileSync(calls, "utf8")).toBe(`${where}\n${where} --show-secrets\n`);

    const config = ssh![ssh!.indexOf("-F") + 1]!;
    const key = /IdentityFile "(.*)"/.exec(readFileSync(config, "utf8"))![1]!;
    expect(readFileSync(key, "utf8")).toBe(KEY);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(ssh!.join(" ")).not.toContain("hunter2");
    dispose();
    expect(existsSync(dirname(config))).toBe(false);
    expect(process.listeners("exit")).not.toContain(dispose);
});

test.each<[string, StackOptions, object]>([
    ["with a key of the user's", { key: "package.json" }, BLUE],
    ["if nobody logs in", { withoutSsh: true }, BLUE],
    ["if the key is the user's own", {}, ownKey("blue.example.com")],
    ["if there is no machine", {}, checks("blue.example.com", { paused: true })],
    ["if another host is wanted", { host: "blue.example.com" }, ownKey("blue.example.com")],
])("no secret is read %s", async (_, options, output) => {
    pulumiPrints(
        {},
        { checks: output, sshPrivateKey: "[secret]", other: { checks: GREEN, sshPrivateKey: "[secret]" } },
    );
    await read({ host: "blue.example.com", ...options });
    expect(readFileSync(calls, "utf8")).not.toContain("--show-secrets");
});

test.each<[string, object, RegExp]>([
    [
        "hidden",
        { checks: BLUE, sshPrivateKey: "[secret]" },
        /login key in .*outputs\.json is hidden: make the file with --show-secrets, or .* --key/,
    ],
    ["elsewhere", { blue: BLUE }, /export sshPrivateKey beside blue, or pass the key with --key/],
])("without the key, which is %s, nobody logs in, and the reason is there", async (_, outputs, why) => {
    const [proxy] = await readJson(outputs);
    expect(proxy!.whyNoSsh).toMatch(why);
    expect(proxy!.ssh).toBeUndefined();
});

describe("several machines", () => {
    const TIER = {
        ipv4: ["203.0.113.10", "203.0.113.11"],
        ipv6: ["2001:db8::1"],
        nodes: [BLUE.ssh, { ...BLUE.ssh, host: "203.0.113.20" }],
    };
    const outputs = { checks: checks("blue.example.com", { tier: TIER }), sshPrivateKey: KEY };

    test("each has an ssh command with its own host key, and DNS must return the load balancer's addresses", async () => {
        const [proxy] = await readJson(outputs);
        expect(proxy!.ssh).toBeUndefined();
        expect(proxy!.target.balancer).toEqual({ ipv4: TIER.ipv4, ipv6: TIER.ipv6 });
        const nodes = proxy!.target.nodes!;
        expect(nodes.map(({ name, ssh }) => [name, ssh.at(-1)])).toEqual([
            ["node-1", "203.0.113.10"],
            ["node-2", "203.0.113.20"],
        ]);
        for (const { ssh } of nodes) {
            const config = readFileSync(ssh[ssh.indexOf("-F") + 1]!, "utf8");
            const known = /UserKnownHostsFile "(.*)"/.exec(config)![1]!;
            expect(readFileSync(known, "utf8")).toBe(`${ssh.at(-1)} ${HOST_KEY}\n`);
        }
        const chosen = await readJson(outputs, { machine: "node-2" });
        expect(chosen[0]!.target.nodes!.map(({ name }) => name)).toEqual(["node-2"]);
    });

    test("a name that is none of them is one sentence", async () => {
        await expect(readJson(outputs, { machine: "node-3" })).rejects.toThrow(
            /^blue\.example\.com has no machine node-3\. It has node-1, node-2\.$/,
        );
        await expect(readJson({ checks: BLUE, sshPrivateKey: KEY }, { machine: "node-1" })).rejects.toThrow(
            /^blue\.example\.com has one machine: leave --machine node-1 out$/,
        );
    });
});

test("a paused stack has no machine to log in to", async () => {
    const [proxy] = await readJson({ checks: checks("a.example.com", { paused: true }) });
    expect(proxy).toMatchObject({ paused: true });
    expect(proxy!.ssh).toBeUndefined();
});
