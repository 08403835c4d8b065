import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PULUMI_MINIMUM, PULUMI_RELEASE, PULUMI_VERSION, compareVersions } from "./versions.ts";

/** The Pulumi CLI to use. */
export interface PulumiCli {
    /** Absolute path of the binary, or "pulumi" for the one on PATH. */
    command: string;
    /** Without the leading "v". */
    version: string;
    origin: "PATH" | "cache";
}

/** The `pulumi` on PATH if it is new enough, else the one in the cache. Undefined if there is neither. */
export async function findPulumi(cacheDir: string): Promise<PulumiCli | undefined> {
    const installed = await versionOf("pulumi");
    if (installed && compareVersions(installed, PULUMI_MINIMUM) >= 0) {
        return { command: "pulumi", version: installed, origin: "PATH" };
    }
    return [PULUMI_RELEASE.version, PULUMI_VERSION]
        .map((version) => ({ command: cachedPulumi(cacheDir, version), version, origin: "cache" as const }))
        .find(({ command }) => existsSync(command));
}

/** Path of the CLI of a version in the cache. */
export function cachedPulumi(cacheDir: string, version: string): string {
    return join(cacheDir, "engine", `pulumi-v${version}`);
}

/** The output of `pulumi version` without "v". Undefined if there is no such command. */
async function versionOf(command: string): Promise<string | undefined> {
    // The CLI logs every command in its home. Without this, that would be the user's home.
    const env = { ...process.env, PULUMI_HOME: devNull, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const result = await promisify(execFile)(command, ["version"], { env }).catch(() => undefined);
    return /^v?(\d+\.\d+\.\d+\S*)$/m.exec(result?.stdout.trim() ?? "")?.[1];
}
