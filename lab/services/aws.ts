import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, labRoot } from "../lab.ts";
import { AWS_AUTHORITY, serverCertificate } from "./authority.ts";
import type { AwsConfig } from "./aws/server.ts";
import { bundleService } from "./bundle.ts";
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
        // A changed source changes the definition, which restarts the service.
        files: { "server.mjs": await bundleService(SOURCE), "config.json": JSON.stringify(config, null, 2) },
    };
}
