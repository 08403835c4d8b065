import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab, LabError, type Progress } from "../lab.ts";
import { runningProcess, stopProcess } from "../process/process.ts";
import { accepts, serviceDir, servicePidFile, startService, type Service } from "../services/service.ts";
import { ensureFerretdb } from "./build-ferretdb.ts";
import { GIT, git } from "./git.ts";
import { MONGODB, mongodb } from "./mongodb.ts";

export const STORAGE_SERVICES = [MONGODB, GIT];

/** Whether the lab has a storage, running or not. */
export function hasStorage(lab: Lab): boolean {
    return existsSync(storageDir(lab));
}

/** Gives the lab a storage, which {@link startStorage} starts from then on. Its password is made once. */
export async function addStorage(lab: Lab, progress: Progress): Promise<void> {
    // Before the lab has one, because every `up` would then have to build it.
    await ensureFerretdb(progress);
    if (hasStorage(lab)) return;
    const draft = `${storageDir(lab)}.new`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true, mode: 0o700 });
    writeFileSync(join(draft, "password"), randomBytes(18).toString("base64url"), { mode: 0o600 });
    renameSync(draft, storageDir(lab));
}

/** Starts the user's own database and Git remote, if the lab has a storage and they do not run. */
export async function startStorage(lab: Lab, image: string, progress: Progress): Promise<void> {
    if (!hasStorage(lab)) return;
    for (const service of [await mongodb(lab, passwordOf(lab), progress), await git(lab, passwordOf(lab))]) {
        await refuseTakenPort(lab, service);
        await startService(lab, image, service);
    }
}

/** Another program, which may listen on every address, would be taken for the service. */
async function refuseTakenPort(lab: Lab, { name, address, port }: Service): Promise<void> {
    if (runningProcess(servicePidFile(lab, name)) || !(await accepts(address, port))) return;
    throw new LabError(
        `${name} cannot listen on ${address}:${port}, because another program of this machine does: ` +
            `stop it (\`ss -ltnp sport = :${port}\` names it), then run this again`,
    );
}

/** Stops the storage and removes its data. */
export async function removeStorage(lab: Lab): Promise<void> {
    for (const name of STORAGE_SERVICES) {
        await stopProcess(servicePidFile(lab, name));
        rmSync(serviceDir(lab, name), { recursive: true, force: true });
    }
    rmSync(storageDir(lab), { recursive: true, force: true });
}

export function storageDir(lab: Lab): string {
    return join(lab.dir, "storage");
}

/** The password of both logins, as a company's accounts have one. */
export function passwordOf(lab: Lab): string {
    return readFileSync(join(storageDir(lab), "password"), "utf8");
}
