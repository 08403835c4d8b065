import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf, procStat } from "../../lab/process/process.ts";
import { accepts } from "../../lab/services/service.ts";
import { REPOSITORY, ensureRepository } from "../../lab/storage/git.ts";
import type { GitServerConfig } from "../../lab/storage/git-server.ts";
import { NOBODY } from "../../lab/storage/nobody.ts";
import { freePort } from "./free-port.ts";
import { useStandIn, type Installation } from "./linkmesh-harness.ts";
import { TestCa } from "./test-ca.ts";

const { install, start } = useStandIn();

const TOKEN = "a token/of tests";
const SERVER = join(import.meta.dirname, "../../lab/storage/git-server.ts");
const directory = mkdtempSync(join(tmpdir(), "linkmesh-git-"));
const caFile = join(directory, "ca.pem");
const root = join(directory, "repositories");
let port: number;
let server: ChildProcess;

beforeAll(async () => {
    // Git runs as nobody.
    chmodSync(directory, 0o755);
    await ensureRepository(root);
    const ca = await TestCa.create("CN=git");
    const { cert: certificate, key } = await ca.issue(["localhost"]);
    writeFileSync(caFile, ca.pem);
    port = await freePort();
    const login = { user: "linkmesh", token: TOKEN, uid: NOBODY };
    const config: GitServerConfig = { address: "127.0.0.1", port, certificate, key, root, ...login };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config), { mode: 0o600 });
    server = spawn(process.execPath, ["--import", "tsx", SERVER, join(directory, "config.json")], { stdio: "inherit" });
    while (!(await accepts("127.0.0.1", port))) {
        if (server.exitCode !== null) throw new Error(`the Git server ended with ${server.exitCode}`);
        await sleep(20);
    }
});

afterAll(() => {
    server.kill();
    rmSync(directory, { recursive: true, force: true });
});

const remote = (path = REPOSITORY) => `https://localhost:${port}/${path}`;

async function instance(gitops: object = {}, token = TOKEN): Promise<Installation> {
    const site = await install({ gitops: { remote: remote(), caFile, ...gitops } });
    if (token !== "") site.environment.LINKMESH_GIT_TOKEN = token;
    return site;
}

/** Makes a pipeline and returns its file's name. */
async function create(site: Installation, yaml: string): Promise<string> {
    const token = await site.serviceToken();
    const init = { method: "POST", token, body: JSON.stringify({ yaml }) };
    const response = await site.fetch("/api/v1/pipelines", init);
    expect(response.status).toBe(201);
    return `${((await response.json()) as { id: string }).id}.yaml`;
}

async function pipelines(site: Installation): Promise<Record<string, string>> {
    const response = await site.fetch("/api/v1/pipelines", { token: await site.serviceToken() });
    expect(response.status).toBe(200);
    return ((await response.json()) as { pipelines: Record<string, string> }).pipelines;
}

describe("two instances on one Git remote, which is empty at first", () => {
    it("see each other's pipelines, lose none that both write at once, and a new one has them all", async () => {
        const [one, other] = [await instance(), await instance()];
        const servers = [await start(one), await start(other)];
        expect(await pipelines(one)).toEqual({});
        const first = await create(one, "name: first\n");
        expect(await pipelines(other)).toEqual({ [first]: "name: first\n" });

        const texts = ["a", "b", "c", "d"].map((name) => `name: ${name}\n`);
        const names = await Promise.all(texts.map((yaml, n) => create(n % 2 ? one : other, yaml)));
        const all = { [first]: "name: first\n", ...Object.fromEntries(names.map((name, n) => [name, texts[n]!])) };
        expect(await pipelines(one)).toEqual(all);
        expect(await pipelines(other)).toEqual(all);
        for (const running of servers) await running.stop();

        const third = await instance();
        const running = await start(third);
        expect(await pipelines(third)).toEqual(all);
        // As anybody with the login sees it.
        const clone = join(directory, "clone");
        const url = `https://linkmesh:${encodeURIComponent(TOKEN)}@localhost:${port}/${REPOSITORY}`;
        const env = { PATH: process.env.PATH, HOME: directory, GIT_SSL_CAINFO: caFile };
        execFileSync("git", ["clone", "--quiet", url, clone], { env });
        expect(readdirSync(join(clone, "pipelines")).sort()).toEqual(Object.keys(all).sort());
        expect(
            execFileSync("git", ["-C", clone, "log", "--oneline"], { encoding: "utf8" }).trim().split("\n"),
        ).toHaveLength(5);
        await running.stop();
    });
});

it("a pipeline that the remote refuses is no pipeline, neither now nor with the next one", async () => {
    await ensureRepository(join(root, "refusing"));
    const hook = join(root, "refusing", REPOSITORY, "hooks/pre-receive");
    writeFileSync(hook, "#!/bin/sh\necho closed\nexit 1\n", { mode: 0o755 });
    const site = await instance({ remote: remote(`refusing/${REPOSITORY}`) });
    const running = await start(site);
    const token = await site.serviceToken();
    const refused = await site.fetch("/api/v1/pipelines", { method: "POST", token, body: '{"yaml":"name: lost\\n"}' });
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(await pipelines(site)).toEqual({});
    rmSync(hook);
    const name = await create(site, "name: kept\n");
    expect(await pipelines(site)).toEqual({ [name]: "name: kept\n" });
    await running.stop();
});

it("Git ends with a client that goes in the middle of a push", async () => {
    const git = () => childrenOf(server.pid!).filter((pid) => procStat(pid)?.comm.startsWith("git"));
    const login = Buffer.from(`linkmesh:${TOKEN}`).toString("base64");
    const client = request(remote(`${REPOSITORY}/git-receive-pack`), {
        method: "POST",
        ca: readFileSync(caFile),
        headers: {
            Authorization: `Basic ${login}`,
            "Content-Type": "application/x-git-receive-pack-request",
            "Transfer-Encoding": "chunked",
        },
    });
    client.on("error", () => undefined);
    client.write("00");
    await expect.poll(git).toHaveLength(1);
    client.destroy();
    await expect.poll(git).toEqual([]);
});

describe("an instance that cannot use its Git remote", () => {
    it.each<[string, () => Promise<Installation>, number, RegExp]>([
        [
            "a wrong token",
            () => instance({}, "wrong"),
            78,
            /gitops\.remote: https:\S+ refuses the token LINKMESH_GIT_TOKEN/,
        ],
        ["no token", () => instance({}, ""), 78, /LINKMESH_GIT_TOKEN is neither in the environment nor in/],
        ["another CA", () => instance({ caFile: undefined }), 1, /gitops\.remote: cannot use https:\S+: .*certificate/],
        [
            "a missing CA file",
            () => instance({ caFile: "/nowhere.pem" }),
            78,
            /gitops\.caFile \/nowhere\.pem: it does not exist/,
        ],
        [
            "no repository",
            () => instance({ remote: remote("other.git") }),
            1,
            /gitops\.remote: cannot use https:\S+: .*404/,
        ],
        [
            "no server",
            async () => instance({ remote: `https://localhost:${await freePort()}/${REPOSITORY}` }),
            1,
            /gitops\.remote: cannot use https:\S+: .*ECONNREFUSED/,
        ],
    ])("says so in one sentence: %s", async (_, make, code, sentence) => {
        const { stderr, code: actual } = await (await make()).run("serve");
        expect(stderr).toMatch(/^linkmesh-server: [^\n]+\n$/);
        expect(stderr).toMatch(sentence);
        expect(stderr).not.toContain(TOKEN);
        expect(actual).toBe(code);
    });
});
