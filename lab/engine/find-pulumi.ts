import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PULUMI_MINIMUM, PULUMI_RELEASE, PULUMI_VERSION, compareVersions } from "./versions.ts";

/** The Pulumi CLI to use, and where it came from. */
export interface PulumiCli {
    /** Absolute path of the binary, or "pulumi" for the one on PATH. */
    command: string;
    /** Without the leading "v". */
    version: string;
    origin: "PATH" | "cache";
}

/** The `pulumi` on PATH when it is new enough, else the one in the cache; undefined when there is neither. */
export async function findPulumi(cacheDir: string): Promise<PulumiCli | undefined> {
    const installed = await versionOf("pulumi");
    if (installed && compareVersions(installed, PULUMI_MINIMUM) >= 0) {
        return { command: "pulumi", version: installed, origin: "PATH" };
    }
    return [PULUMI_RELEASE.version, PULUMI_VERSION]
        .map((version) => ({ command: cachedPulumi(cacheDir, version), version, origin: "cache" as const }))
        .find(({ command }) => existsSync(command));
}

/** Where the cache holds the CLI of a version. */
export function cachedPulumi(cacheDir: string, version: string): string {
    return join(cacheDir, "engine", `pulumi-v${version}`);
}

/** What `pulumi version` says, without "v"; undefined when there is no such command. */
async function versionOf(command: string): Promise<string | undefined> {
    // The CLI writes a log of each command, this one too, into its home, which is the user's here.
    const env = { ...process.env, PULUMI_HOME: devNull, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const result = await promisify(execFile)(command, ["version"], { env }).catch(() => undefined);
    return /^v?(\d+\.\d+\.\d+\S*)$/m.exec(result?.stdout.trim() ?? "")?.[1];
}
