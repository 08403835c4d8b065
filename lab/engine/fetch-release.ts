import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { execa } from "execa";
import type { Progress } from "../lab.ts";
import { download } from "./download.ts";
import { PULUMI_RELEASE } from "./versions.ts";

const { version, sha256 } = PULUMI_RELEASE;
const RELEASE = new URL(`https://get.pulumi.com/releases/sdk/pulumi-v${version}-linux-x64.tar.gz`);

/**
 * Fetches the released Pulumi CLI into the file `target`, whose name must be "pulumi". Returns false if that is not
 * possible, for example without internet access or if the checksum differs.
 */
export async function fetchRelease(target: string, progress: Progress, from = RELEASE, sum = sha256): Promise<boolean> {
    const archive = await download(from, `Pulumi ${version}`, progress).catch((error: Error) => error);
    if (archive instanceof Error) {
        progress(`Pulumi's release cannot be fetched: ${archive.message}`);
        return false;
    }
    if (createHash("sha256").update(archive).digest("hex") !== sum) {
        progress(`the file from ${from.host} is not Pulumi ${version}: its checksum differs`);
        return false;
    }
    await execa("tar", ["-xzf", "-", "-C", dirname(target), "--strip-components=1", "pulumi/pulumi"], {
        input: archive,
    });
    return true;
}
