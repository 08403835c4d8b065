import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, labRoot } from "../lab.ts";
import { AWS_AUTHORITY, serverCertificate } from "./authority.ts";
import type { AwsConfig } from "./aws/server.ts";
import { dataDir, type Service } from "./service.ts";

const NAME = "aws";
const SOURCE = fileURLToPath(new URL("./aws/server.ts", import.meta.url));

/** The parts of AWS that a machine can reach: the metadata service, Route 53 and CloudWatch. */
export async function aws(lab: Lab): Promise<Service> {
    const { certificatePem, keyPem } = await serverCertificate(lab, AWS_AUTHORITY);
    const config: AwsConfig = { slot: lab.slot, certificate: certificatePem, key: keyPem };
    return {
        name: NAME,
        argv: [process.execPath, join(dataDir(lab, NAME), "server.mjs"), join(dataDir(lab, NAME), "config.json")],
        address: lab.net.aws,
        port: 443,
        env: { LINKMESH_LAB_ROOT: labRoot() },
        outside: true,
        files: { "server.mjs": await bundle(), "config.json": JSON.stringify(config, null, 2) },
    };
}

/** The service runs without the checkout's packages. A changed source changes its definition, which restarts it. */
async function bundle(): Promise<string> {
    const { build } = await import("esbuild");
    const { outputFiles } = await build({
        entryPoints: [SOURCE],
        bundle: true,
        write: false,
        platform: "node",
        mainFields: ["module", "main"],
        format: "esm",
        target: "node20",
        // Packages in CommonJS load Node's own modules with `require`.
        banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    return outputFiles[0]!.text;
}
