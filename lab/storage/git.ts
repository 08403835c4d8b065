import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { type Lab, LabError } from "../lab.ts";
import { STORAGE_AUTHORITY, serverCertificate } from "../services/authority.ts";
import { bundleService } from "../services/bundle.ts";
import { dataDir, type Service } from "../services/service.ts";
import type { GitServerConfig } from "./git-server.ts";
import { NOBODY } from "./nobody.ts";

export const GIT = "git";
export const GIT_USER = "linkmesh";
export const REPOSITORY = "linkmesh.git";

const PORT = 443;
const SOURCE = fileURLToPath(new URL("./git-server.ts", import.meta.url));

/** Mounts the repositories where Git can reach them as another user: root alone reads the lab's directory. */
const ROOT = "/mnt";
const MOUNT = `mount --bind "$1" ${ROOT} && shift && exec "$@"`;

/** The user's own Git remote, with one repository. */
export async function git(lab: Lab, token: string): Promise<Service> {
    const { certificatePem, keyPem } = await serverCertificate(lab, STORAGE_AUTHORITY);
    const data = dataDir(lab, GIT);
    const repositories = join(data, "repositories");
    await ensureRepository(repositories);
    const config: GitServerConfig = {
        address: lab.net.storage,
        port: PORT,
        certificate: certificatePem,
        key: keyPem,
        root: ROOT,
        user: GIT_USER,
        token,
        uid: NOBODY,
    };
    const server = [process.execPath, join(data, "server.mjs"), join(data, "config.json")];
    return {
        name: GIT,
        argv: [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--",
            "sh",
            "-euc",
            MOUNT,
            "sh",
            repositories,
            ...server,
        ],
        address: lab.net.storage,
        port: PORT,
        outside: true,
        files: { "server.mjs": await bundleService(SOURCE), "config.json": JSON.stringify(config, null, 2) },
    };
}

/** Makes the repository, empty, if there is none. */
export async function ensureRepository(repositories: string): Promise<void> {
    const repository = join(repositories, REPOSITORY);
    if (existsSync(repository)) return;
    const draft = `${repository}.new`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(repositories, { recursive: true });
    const { failed, stderr } = await execa("git", ["init", "--quiet", "--bare", "--initial-branch=main", draft], {
        reject: false,
    });
    if (failed)
        throw new LabError(
            `the Git remote needs Git on this machine (${stderr.trim() || "there is none"}): install git`,
        );
    await execa("chown", ["-R", `${NOBODY}:${NOBODY}`, draft]);
    renameSync(draft, repository);
}
