import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { servicePidFile } from "../../lab/services/service.ts";
import { runningProcess } from "../../lab/process/process.ts";
import type { StorageSettings } from "../../lab/storage/settings.ts";
import { Clients } from "./clients.ts";
import { journal, lab, labOk, linkmeshInfo, onMachine, status, theLab } from "./lab.ts";

/** Starts a database and a Git remote of the user's own. Returns the settings with which LinkMesh uses them. */
export async function ownStorage(): Promise<Record<string, string>> {
    const found = JSON.parse((await labOk("storage", "--json")).stdout) as StorageSettings;
    return {
        linkmeshConfig: found.linkmeshConfig,
        linkmeshEnvironment: `@${found.linkmeshEnvironmentFile}`,
        linkmeshFiles: `@${found.linkmeshFilesFile}`,
    };
}

/** A stack that uses them. */
export function storage(): void {
    const pids = () => ["mongodb", "git"].map((name) => runningProcess(servicePidFile(theLab(), name))?.pid);
    const password = () => readFileSync(join(theLab().dir, "storage/password"), "utf8");

    test("LinkMesh keeps its state in the MongoDB of `storage`, whose second run changes nothing and shows no password", async () => {
        expect((await journal("linkmesh-server")).match(/^INFO database .*/gm)?.at(-1)).toMatch(
            /^INFO database linkmesh of MongoDB at storage\.example\.test:27017, /,
        );
        const before = { pids: pids(), password: password() };
        const run = await labOk("storage");
        expect(run.stdout).toContain(`--set linkmeshEnvironment=@${theLab().dir}/storage/environment.json`);
        expect(run.stdout + run.stderr).not.toContain(before.password);
        expect(before.pids).not.toContain(undefined);
        expect({ pids: pids(), password: password() }).toEqual(before);
        expect((await labOk("status")).stdout).toContain("mongodb runs, git runs");
    });

    test("a password that MongoDB refuses is told in LinkMesh's words, without the password, and the old one is back", async () => {
        const { linkmeshEnvironment = "" } = await ownStorage();
        const wrong = readFileSync(linkmeshEnvironment.slice(1), "utf8").replace(
            /(mongodb:\/\/[^:]+:)[^@]+@/,
            "$1not-the-password@",
        );
        const run = await lab("up", "--set", `linkmeshEnvironment=${wrong}`);
        expect(run.stderr).toMatch(
            /error: step environment: LinkMesh does not answer with the new linkmesh-server \(it says: linkmesh-server: MongoDB at storage\.example\.test:27017 refuses the user or the password of LINKMESH_MONGODB_URI: .*\), so the old one is in place again/,
        );
        expect(run.stdout + run.stderr).not.toContain("not-the-password");
        await labOk("up", "--set", `linkmeshEnvironment=${linkmeshEnvironment}`);
    });

    test("a machine that has lost all of its data is replaced, and the agent and the browser's session go on", async () => {
        const ca = (await linkmeshInfo()).caFingerprint;
        const token = await onMachine("linkmesh-server token");
        let clients = new Clients(await status());
        const { bootstrap, agent: first } = await clients.enrolledAgent(token);
        first.close();
        const headers = { Authorization: `Bearer ${token}` };
        const login = await clients.http("/api/v1/login", { method: "POST", headers });
        const [cookie] = login.headers["set-cookie"] as string[];
        const yaml = "name: kept in Git\n";
        const made = await clients.http("/api/v1/pipelines", {
            method: "POST",
            headers,
            body: JSON.stringify({ yaml }),
        });
        expect({ status: made.status, body: made.body }).toMatchObject({ status: 201 });
        await onMachine("systemctl stop linkmesh-server && find /var/lib/linkmesh/ -mindepth 1 -delete");

        await labOk("up", "--replace", "linkmesh-machine-instance");
        expect((await linkmeshInfo()).caFingerprint).toBe(ca);
        clients = new Clients(await status());
        const agent = clients.agentWith(bootstrap);
        expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
        expect(await agent.register()).toMatchObject({ serverVersion: expect.any(String) as string });
        agent.close();
        const { body } = await clients.http("/api/v1/pipelines", { headers });
        const { id } = JSON.parse(made.body) as { id: string };
        expect(JSON.parse(body)).toEqual({ pipelines: { [`${id}.yaml`]: yaml } });
        const session = await clients.http("/api/v1/collectors", { headers: { Cookie: cookie!.split(";")[0]! } });
        expect({ status: session.status, body: session.body }).toMatchObject({ status: 200 });
        expect(session.body).toContain("web-1");
    });
}

/** The end of the storage, and what keeps it from coming back. */
export async function removeOwnStorage(): Promise<void> {
    const old = theLab();
    await labOk("storage", "--remove");
    expect(
        existsSync(join(old.dir, "storage")) ||
            existsSync(join(old.dir, "services/mongodb")) ||
            existsSync(join(old.dir, "services/git")),
    ).toBe(false);
    expect((await labOk("status")).stdout).not.toMatch(/mongodb|git runs/);
    expect((await lab("storage", "--remove")).stderr).toBe(
        "error: the lab has no storage: `npm run lab -- storage` starts one",
    );
    const other = createServer().listen(27017, old.net.storage);
    await once(other, "listening");
    const taken = await lab("storage");
    other.close();
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toMatch(
        /^error: mongodb cannot listen on \S+:27017, because another program of this machine does: stop it [^\n]+$/m,
    );
    // Otherwise each `up` would fail for it.
    expect(existsSync(join(old.dir, "storage"))).toBe(false);
}
