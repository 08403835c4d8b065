import { execa } from "execa";
import {
    copyFileSync,
    linkSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { allPids } from "../../lab/process/process.ts";
import { findPulumi } from "../../lab/engine/find-pulumi.ts";
import { LAB_DOMAIN } from "../../lab/lab.ts";
import { writePlugins } from "../../lab/providers/index.ts";
import { copyCheckout, ownNames } from "../checkout.ts";
import { MARKER } from "../../lab/providers/plugins.ts";
import { drift } from "./drift.ts";
import { previewComments } from "./preview-comments.ts";
import { commandLine } from "./running-up.ts";
import { stackChecks } from "./stack-checks.ts";
import { labOk, onMachine, theLab } from "./lab.ts";
import { type Run, succeeded } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const LANGUAGE_HOST = join(import.meta.dirname, "language-host.ts");

/** Plain `pulumi` in the checkout: on the lab's stack, and as a user of AWS runs it. */
export function plainPulumi(): void {
    let scratch: string;
    let path: string;
    let before: unknown;
    /** What `lab env` prints, which is the same each time. */
    let variables: string;

    beforeAll(async () => {
        scratch = mkdtempSync(join(tmpdir(), "linkmesh-plain-"));
        path = await installPulumi(join(scratch, "bin"));
        variables = succeeded(await shell("npm run --silent lab -- env"));
        before = checkout();
    });

    afterAll(async () => {
        rmSync(scratch, { recursive: true, force: true });
        // Providers end after the engine that they belong to.
        await vi.waitFor(() => expect(processes(scratch)).toEqual([]), 60_000);
        expect(checkout()).toEqual(before);
    });

    const shell = (commands: string) => bash(commands, { cwd: ROOT, env: { PATH: path } });
    /** Commands in a shell that has evaluated the variables. */
    const inLab = (commands: string) => shell(`${variables}\n${commands}`);

    test("reads the lab's outputs", async () => {
        const text = succeeded(await shell('eval "$(npm run --silent lab -- env)"\npulumi stack output publicUrl'));
        expect(text).toBe(`https://${LAB_DOMAIN}`);
    });

    test("sees no change right after the lab's own up, and nothing that breaks a policy", async () => {
        const preview = inLab("pulumi preview --expect-no-changes --policy-pack policy");
        // What is looked for when all of it is over can be found.
        while (processes(scratch).length < 2) await sleep(20);
        const text = succeeded(await preview);
        expect(text).toMatch(/\d+ unchanged/);
        expect(text).not.toMatch(/warning|to update|to create|can't run policy/);
        expect(text).toMatch(/✅ linkmesh-proxy@v\d+\.\d+\.\d+ \(local: policy\)/);
    });

    test("a plugin that the user has installed is used instead of the stand-in", async () => {
        const plugins = join(scratch, "user", "plugins");
        await writePlugins(plugins, theLab(), ["command"]);
        const [dir] = readdirSync(plugins).filter((name) => name.startsWith("resource-command-"));
        const started = join(scratch, "started");
        const binary = join(plugins, dir!, "pulumi-resource-command");
        writeFileSync(binary, readFileSync(binary, "utf8").replace("exec", `echo started >>${started}; exec`));
        // Without it, it is not known to be ours.
        rmSync(join(plugins, dir!, MARKER));
        const run = await bash("npm run --silent lab -- preview", {
            cwd: ROOT,
            env: { PULUMI_HOME: join(scratch, "user") },
        });
        expect(succeeded(run)).toMatch(/\d+ unchanged/);
        expect(readFileSync(started, "utf8")).toMatch(/^started\n/);
        // The stand-in again, as after the plugin was removed.
        succeeded(await shell("npm run --silent lab -- env"));
    });

    test("shows what a changed setting changes in nginx; the setting is not kept in the checkout", async () => {
        const text = succeeded(
            await inLab(`pulumi config set collectorsExpected 40000
                pulumi preview --diff
                pulumi config rm collectorsExpected
                pulumi preview --expect-no-changes`),
        );
        expect(text).toMatch(/\+ +server 127\.0\.0\.2:8080 max_fails=0;/);
        expect(text).toMatch(/2 to update/);
    });

    previewComments(inLab);

    drift(inLab);

    stackChecks(inLab);

    test("up makes the change, and the lab's own up reverts it", async () => {
        const maxFails = () => onMachine("grep -c 'max_fails=0;' /etc/nginx/linkmesh/current/http-linkmesh.conf");
        const up = await inLab("pulumi config set collectorsExpected 40000; pulumi up --yes --skip-preview");
        expect(succeeded(up)).toMatch(/2 updated/);
        expect(await maxFails()).toBe("2");
        expect((await labOk("up")).stdout).toMatch(/✓ program: 2 updated/);
        expect(await maxFails()).toBe("1");
    });

    test("a policy pack stops what breaks its policies, at the levels and with the tags that a file sets", async () => {
        const required = join(scratch, "policies.json");
        writeFileSync(
            required,
            JSON.stringify({ "tags-present": { enforcementLevel: "advisory", required: ["team"] } }),
        );
        const broken = await inLab(`cp "$PULUMI_OPTION_CONFIG_FILE" ${scratch}/stack.yaml
            export PULUMI_OPTION_CONFIG_FILE=${scratch}/stack.yaml
            pulumi config set acmeDirectory production
            pulumi config set sshAllowedCidrs 0.0.0.0/1
            pulumi preview --policy-pack policy --policy-pack-config ${required}`);
        expect(broken.exitCode).not.toBe(0);
        expect(broken.stdout).toMatch(/\[mandatory\] +production-protected .*\n.*\n.*set protect to true\./);
        expect(broken.stdout).toMatch(/set dailySnapshots, for example to 7/);
        expect(broken.stdout).toMatch(/0\.0\.0\.0\/1 may connect to port 22/);
        expect(broken.stdout).toMatch(/\[advisory\] +tags-present/);
        expect(broken.stdout).not.toMatch(/can't run policy|internal-ports-closed|disks-encrypted/);
    });

    test.each<[string, string, string]>([
        [
            "a misspelt setting",
            "config set collectorExpected 1",
            "collectorExpected is not a setting. Did you mean collectorsExpected? Remove it with `pulumi config rm collectorExpected`.",
        ],
        [
            "a missing setting",
            "config rm domain",
            "validating stack config: Stack 'lab' is missing configuration value 'domain'",
        ],
        [
            "a wrong value",
            "config set acmeDirectory nowhere",
            'acmeDirectory must be "staging", "production" or an https URL of an ACME directory.',
        ],
        [
            "a name outside every zone",
            "config set domain linkmesh.elsewhere.test",
            "domain: this AWS account has no public hosted zone for linkmesh.elsewhere.test. Create one in Route 53, or set dns to external.",
        ],
    ])("%s is told in one sentence", async (_, mistake, sentence) => {
        const run = await inLab(`cp "$PULUMI_OPTION_CONFIG_FILE" ${scratch}/stack.yaml
            export PULUMI_OPTION_CONFIG_FILE=${scratch}/stack.yaml
            pulumi ${mistake}
            pulumi preview`);
        expect(run.exitCode).not.toBe(0);
        const text = `${run.stdout}\n${run.stderr}`;
        const told = [...text.matchAll(/^ *error: (.*)$/gm)].map(([, message]) => message);
        expect([...new Set(told)], text).toEqual([sentence]);
        expect(text).not.toMatch(/^\s+at /m);
    });

    test("previews a first stack that is set up as in the README: by `pulumi new` under its own name, and in a clone", async () => {
        const [clone, fleet, home] = ["clone", "fleet", "home"].map((name) => join(scratch, name)) as [
            string,
            string,
            string,
        ];
        copyCheckout(clone);
        for (const dir of [fleet, join(scratch, "state")]) mkdirSync(dir);
        // The real provider would ask for an account. The stand-in knows the lab's zone; a preview changes nothing there.
        await writePlugins(join(home, "plugins"), theLab());
        const env = {
            PATH: path,
            HOME: scratch,
            PULUMI_HOME: home,
            PULUMI_BACKEND_URL: `file://${join(scratch, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: "correct horse",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        };
        const values = {
            domain: LAB_DOMAIN,
            sshAllowedCidrs: "198.51.100.7/32,2001:db8::/64",
            linkmeshDebUrl: "https://packages.example.com/linkmesh-server_1.101.0_amd64.deb",
            linkmeshDebSha256: "0".repeat(64),
        };
        const answers = Object.entries(values).map(([name, value]) => `-c ${name}=${value}`);
        const settings = Object.entries(values).map(([name, value]) => `pulumi config set ${name} ${value}`);
        const text = succeeded(
            await bash(
                `cd ${fleet}
                pulumi new ${clone} --yes --name fleet --stack staging ${answers.join(" ")}
                pulumi preview --policy-pack ${join(ROOT, "policy")}
                cd ${clone}
                ln -s ${join(ROOT, "node_modules")} node_modules
                pulumi stack init staging
                pulumi config set aws:region eu-central-1
                ${settings.join("\n")}
                pulumi preview`,
                { cwd: scratch, env, extendEnv: false },
            ),
        );
        const counts = [...text.matchAll(/\+ (\d+) to create/g)].map(([, count]) => Number(count));
        expect(counts).toHaveLength(2);
        expect(counts[0]).toBeGreaterThan(40);
        expect(counts[1]).toBe(counts[0]);
        expect(text).toMatch(/publicUrl +: "https:\/\/linkmesh\.example\.test"/);
        expect(text).not.toMatch(/warning|runs again|all steps run|can't run policy/);
        const { config } = parse(readFileSync(join(fleet, "Pulumi.staging.yaml"), "utf8")) as { config: object };
        expect(Object.keys(config).sort()).toEqual(
            ["aws:region", ...Object.keys(values).map((name) => `fleet:${name}`)].sort(),
        );
    });
}

/** Value of PATH with a Pulumi CLI that runs Node programs: the installed one, or the lab's beside a stand-in for its language host. */
async function installPulumi(dir: string): Promise<string> {
    const path = process.env.PATH ?? "";
    const cli = await findPulumi(theLab().cacheDir);
    if (cli!.origin === "PATH") return path;
    mkdirSync(dir);
    try {
        linkSync(cli!.command, join(dir, "pulumi"));
    } catch {
        // Another file system.
        copyFileSync(cli!.command, join(dir, "pulumi"));
    }
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "run.js")}' '${LANGUAGE_HOST}' "$@"\n`;
    writeFileSync(join(dir, "pulumi-language-nodejs"), script, { mode: 0o755 });
    return [dir, dirname(process.execPath), path].join(delimiter);
}

async function bash(
    script: string,
    options: { cwd: string; env: Record<string, string>; extendEnv?: boolean },
): Promise<Run> {
    const result = await execa("bash", ["-ec", script], { ...options, reject: false, stdin: "ignore" });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** The names of all files but those that other tests install or build, and the text of those that `pulumi` may write to. */
function checkout(): unknown {
    const names = ownNames();
    const stacks = names
        .filter((name) => /^Pulumi.*\.yaml$/.test(name))
        .map((name) => readFileSync(join(ROOT, name), "utf8"));
    return { names, stacks };
}

/** Engines, language hosts, programs and providers that run: what has the home of Pulumi that it was given. */
function processes(scratch: string): string[] {
    const homes = [join(theLab().dir, "pulumi/home"), join(scratch, "home")].map((home) => `PULUMI_HOME=${home}`);
    return allPids()
        .filter((pid) => homes.some((home) => environment(pid).includes(home)))
        .map((pid) => commandLine(pid).join(" "));
}

function environment(pid: number): string[] {
    try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    } catch {
        return [];
    }
}
