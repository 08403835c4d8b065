import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { PulumiCli } from "../lab/engine/find-pulumi.ts";

/** Above this load average of the last minute the figures tell more about the other work than about the lab. */
const QUIET_LOAD = 1;

/** What the figures depend on, one line each. */
export function describeMachine(cli: PulumiCli, load: number): string[] {
    const found = cpus();
    const lines = [
        `CPU: ${found.length} × ${found[0]?.model.trim() ?? "unknown"}`,
        `Memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
        `System: ${distribution()}, Linux ${release()}`,
        `Node ${process.versions.node}, Pulumi ${cli.version} (${cli.origin === "PATH" ? "found on PATH" : "built by the lab"})`,
    ];
    if (load > QUIET_LOAD) {
        lines.push(
            `**Taken under load**: the load average was ${load.toFixed(1)} before the start, so the times are too long and spread too far`,
        );
    } else {
        lines.push(`Load average before the start: ${load.toFixed(1)}`);
    }
    return lines;
}

/** Load average of the last minute. */
export function presentLoad(): number {
    return loadavg()[0] ?? 0;
}

function distribution(): string {
    try {
        return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
    } catch {
        return "unknown";
    }
}
