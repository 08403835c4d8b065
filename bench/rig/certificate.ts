import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exec } from "../../lab/process/exec.ts";

/** The public hostname of every subject. */
export const DOMAIN = "linkmesh.example.com";

export interface Pair {
    certificate: string;
    key: string;
}

/** Signs all certificates of a rig, so that clients which trust it take a renewed one. */
export class Authority {
    private constructor(
        private readonly folder: string,
        /** PEM file with the certificate to trust. */
        readonly file: string,
    ) {}

    static async make(folder: string): Promise<Authority> {
        const [key, file] = [join(folder, "ca-key.pem"), join(folder, "ca.pem")];
        await request(key, file, ["-subj", "/CN=Benchmark"]);
        return new Authority(folder, file);
    }

    /** A certificate as certbot gets them, ECDSA P-256. */
    async issue(): Promise<Pair> {
        const dir = mkdtempSync(join(this.folder, "issue-"));
        const [key, certificate] = [join(dir, "key.pem"), join(dir, "certificate.pem")];
        try {
            const name = ["-subj", `/CN=${DOMAIN}`, "-addext", `subjectAltName=DNS:${DOMAIN}`];
            await request(key, certificate, [...name, "-CA", this.file, "-CAkey", join(this.folder, "ca-key.pem")]);
            return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
        } finally {
            rmSync(dir, { recursive: true });
        }
    }
}

async function request(key: string, certificate: string, rest: readonly string[]): Promise<void> {
    const ecdsa = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90"];
    await exec("openssl", ["req", "-x509", ...ecdsa, "-keyout", key, "-out", certificate, ...rest]);
}
