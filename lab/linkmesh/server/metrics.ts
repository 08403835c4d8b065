import type { Server } from "./server.ts";
import { VERSION } from "./version.ts";

/** Prometheus text. Only the three names marked in the README are documented. */
export async function metrics({ collectors, sessions }: Server): Promise<string> {
    const all = await collectors.list();
    const gauges: [string, string, number][] = [
        [`build_info{version="${VERSION}"}`, "Version of the stand-in.", 1],
        ["connections_agents", "Open gRPC streams and WebSockets of agents.", sessions.grpc + sessions.agent],
        ["connections_opamp", "Open OpAMP WebSocket sessions.", sessions.opamp],
        ["process_rss_bytes", "Resident memory.", process.memoryUsage.rss()],
        ["collectors_enrolled", "Collectors in the database.", all.length],
        [
            "collector_sessions",
            "Sessions ever opened.",
            all.reduce((sum, collector) => sum + collector.sessionsTotal, 0),
        ],
    ];
    return gauges
        .map(([series, help, value]) => {
            const name = `linkmesh_server_${series.replace(/\{.*/, "")}`;
            return `# HELP ${name} ${help}\n# TYPE ${name} gauge\nlinkmesh_server_${series} ${value}\n`;
        })
        .join("");
}
