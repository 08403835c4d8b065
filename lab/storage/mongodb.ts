import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Lab, Progress } from "../lab.ts";
import { STORAGE_AUTHORITY, serverCertificate } from "../services/authority.ts";
import { dataDir, type Service } from "../services/service.ts";
import { ensureFerretdb } from "./build-ferretdb.ts";
import { ferretdbCommand } from "./ferretdb.ts";
import { NOBODY } from "./nobody.ts";

export const MONGODB = "mongodb";
export const MONGODB_PORT = 27017;
export const MONGODB_USER = "linkmesh";

/** The user's own MongoDB, which is FerretDB here. */
export async function mongodb(lab: Lab, password: string, progress: Progress): Promise<Service> {
    const program = await ensureFerretdb(progress);
    const { certificatePem, keyPem } = await serverCertificate(lab, STORAGE_AUTHORITY);
    const data = join(dataDir(lab, MONGODB), "db");
    mkdirSync(data, { recursive: true });
    chmodSync(data, 0o700);
    chownSync(data, NOBODY, NOBODY);
    const { argv, env } = ferretdbCommand(`/program/${basename(program)}`, {
        address: lab.net.storage,
        port: MONGODB_PORT,
        certificateFile: "/lab/server.pem",
        keyFile: "/lab/server.key",
        data: "/lab/db",
        user: MONGODB_USER,
        password,
    });
    return {
        name: MONGODB,
        argv: ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--no-new-privs", ...argv],
        address: lab.net.storage,
        port: MONGODB_PORT,
        env,
        files: { "server.pem": certificatePem, "server.key": keyPem },
        directories: { [dirname(program)]: "/program" },
    };
}
