import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Progress } from "../lab.ts";
import { PULUMI_MINIMUM, PULUMI_VERSION, compareVersions } from "./version.ts";

/** The Pulumi CLI to use, and where it came from. */
export interface PulumiCli {
    /** Absolute path of the binary, or "pulumi" for the one on PATH. */
    command: string;
    /** Without the leading "v". */
    version: string;
    origin: "PATH" | "cache" | "built";
}

/** The `pulumi` on PATH when it is new enough, else the one in the cache; undefined when there is neither. */
export async function findPulumi(cacheDir: string): Promise<PulumiCli | undefined> {
    const installed = await versionOf("pulumi");
    if (installed && compareVersions(installed, PULUMI_MINIMUM) >= 0) {
        return { command: "pulumi", version: installed, origin: "PATH" };
    }
    const cached = cachedBinary(cacheDir);
    return existsSync(cached) ? { command: cached, version: PULUMI_VERSION, origin: "cache" } : undefined;
}

/** Like {@link findPulumi}, and builds the CLI from its Go modules when there is none (some 4 minutes on two cores, once). */
export async function ensurePulumi(cacheDir: string, progress: Progress): Promise<PulumiCli> {
    const found = await findPulumi(cacheDir);
    if (found) return found;
    // Loaded here only: what it needs takes a quarter of a second to load.
    const { buildPulumi } = await import("./build.ts");
    const target = cachedBinary(cacheDir);
    await buildPulumi(target, progress);
    return { command: target, version: PULUMI_VERSION, origin: "built" };
}

function cachedBinary(cacheDir: string): string {
    return join(cacheDir, "engine", `pulumi-v${PULUMI_VERSION}`);
}

/** What `pulumi version` says, without "v"; undefined when there is no such command. */
async function versionOf(command: string): Promise<string | undefined> {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const result = await promisify(execFile)(command, ["version"], { env }).catch(() => undefined);
    return /^v?(\d+\.\d+\.\d+\S*)$/m.exec(result?.stdout.trim() ?? "")?.[1];
}
