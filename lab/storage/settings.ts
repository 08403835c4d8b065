import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LINKMESH_FILES_FOLDER } from "../../components/settings/schema/linkmesh.ts";
import type { Lab } from "../lab.ts";
import { STORAGE_AUTHORITY, authorityPem } from "../services/authority.ts";
import { STORAGE_HOST } from "../services/zone.ts";
import { connectionString } from "./ferretdb.ts";
import { REPOSITORY } from "./git.ts";
import { MONGODB_PORT, MONGODB_USER } from "./mongodb.ts";
import { passwordOf, storageDir } from "./storage.ts";

const CA_FILE = "storage-ca.pem";

/** Settings with which LinkMesh uses the storage. Those that hold secrets are in files that root alone can read. */
export interface StorageSettings {
    linkmeshConfig: string;
    /** Files with the values of settings. */
    linkmeshEnvironmentFile: string;
    /** For several machines from the start on: with the server secret that they share. */
    severalEnvironmentFile: string;
    linkmeshFilesFile: string;
}

/** Writes the settings and returns where they are. Needs a storage that has been started. */
export function storageSettings(lab: Lab): StorageSettings {
    const password = passwordOf(lab);
    const login = { user: MONGODB_USER, password };
    const caFile = `${LINKMESH_FILES_FOLDER}/${CA_FILE}`;
    const uri = connectionString({ host: STORAGE_HOST, port: MONGODB_PORT, ...login }, caFile);
    const keep = (name: string, value: object) => {
        const file = join(storageDir(lab), name);
        writeFileSync(file, JSON.stringify(value), { mode: 0o600 });
        return file;
    };
    const environment = { LINKMESH_MONGODB_URI: uri, LINKMESH_GIT_TOKEN: password };
    // One machine has a secret of its package's, and LinkMesh refuses another one.
    const LINKMESH_SECRET = createHmac("sha256", password).update("server secret").digest("base64url");
    return {
        linkmeshConfig: JSON.stringify({
            storage: { backend: "mongodb" },
            gitops: { remote: `https://${STORAGE_HOST}/${REPOSITORY}`, caFile },
        }),
        linkmeshEnvironmentFile: keep("environment.json", environment),
        severalEnvironmentFile: keep("environment-of-several.json", { ...environment, LINKMESH_SECRET }),
        linkmeshFilesFile: keep("files.json", { [CA_FILE]: authorityPem(lab, STORAGE_AUTHORITY) }),
    };
}
