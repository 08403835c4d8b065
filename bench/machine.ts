import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { PulumiCli } from "../lab/engine/find-pulumi.ts";

/** The machine and the versions on which the figures depend. */
export function describeMachine(cli: PulumiCli): string[] {
    const found = cpus();
    return [
        `CPU: ${found.length} × ${found[0]?.model.trim() ?? "unknown"}`,
        `Memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
        `System: ${distribution()}, Linux ${release()}`,
        `Node ${process.versions.node}, Pulumi ${cli.version} (${cli.origin === "PATH" ? "found on PATH" : "built by the lab"})`,
    ];
}

/** Of the last minute. */
export function loadAverage(): number {
    return loadavg()[0] ?? 0;
}

/** By the queues between the network namespaces, since the boot: a sign of processors that cannot keep up. */
export function packetsDropped(): number {
    const processors = readFileSync("/proc/net/softnet_stat", "utf8").trim().split("\n");
    return processors.reduce((sum, line) => sum + parseInt(line.split(" ")[1] ?? "0", 16), 0);
}

function distribution(): string {
    try {
        return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
    } catch {
        return "unknown";
    }
}
