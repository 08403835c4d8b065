import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { PulumiCli } from "../lab/engine/find-pulumi.ts";

/** Above this load average other work falsifies the figures. */
const QUIET_LOAD = 1;

/** The machine and the versions on which the figures depend. */
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
            `**Taken under load**: the load average was ${load.toFixed(1)} before the start, so the times are too long and vary too much`,
        );
    } else {
        lines.push(`Load average before the start: ${load.toFixed(1)}`);
    }
    return lines;
}

/** Of the last minute. */
export function loadAverage(): number {
    return loadavg()[0] ?? 0;
}

function distribution(): string {
    try {
        return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
    } catch {
        return "unknown";
    }
}
