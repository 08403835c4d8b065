import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "./config.ts";
import { Failure, systemReason } from "./failure.ts";
import { environmentVariable } from "./secret.ts";

/** The pipelines and the like, which are files in folders: on this machine, or in a remote that instances share. */
export interface ConfigStore {
    /** The files of a folder, by name. */
    list(folder: string): Promise<Record<string, string>>;
    write(folder: string, name: string, text: string): Promise<void>;
}

/** @throws {Failure} if it cannot be used */
export async function openConfigStore(config: Config, environmentFile: string): Promise<ConfigStore> {
    const directory = join(dirname(config.boltPath), "gitops");
    const local = localStore(directory);
    const { gitRemote: url, gitBranch: branch, gitCaFile: caFile } = config;
    if (url === undefined) return local;
    const token = environmentVariable("LINKMESH_GIT_TOKEN", "gitops.remote is set, and its token", environmentFile);
    const { GitStore } = await import("./git-store.ts");
    return GitStore.open(directory, { url, branch, caFile, token });
}

function localStore(directory: string): ConfigStore {
    try {
        for (const folder of ["pipelines", "collectors"])
            mkdirSync(join(directory, folder), { recursive: true, mode: 0o750 });
    } catch (error) {
        throw new Failure(`cannot write in the data directory ${dirname(directory)}: ${systemReason(error)}`);
    }
    return {
        list: (folder) => {
            const names = readdirSync(join(directory, folder)).sort();
            return Promise.resolve(
                Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, folder, name), "utf8")])),
            );
        },
        write: (folder, name, text) => {
            writeFileSync(join(directory, folder, name), text, { mode: 0o640 });
            return Promise.resolve();
        },
    };
}
