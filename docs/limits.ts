/** What AWS sets, and what a fleet of collectors does. scale.ts computes docs/scale.md from it; the prices are in prices.ts. */
export interface Figure {
    readonly value: number;
    readonly unit: string;
    /** When the source had it. */
    readonly date: string;
    /** "assumption" for what nobody has measured or documented. */
    readonly source: string;
}

const QUOTAS = {
    date: "2026-11",
    source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html",
};
const UNITS = {
    date: "2026-09",
    source: "https://aws.amazon.com/elasticloadbalancing/pricing/, as kept in https://github.com/api-evangelist/amazon-elastic-load-balancing",
};
const IDLE = {
    date: "2026-11",
    source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
};
const HEARTBEAT = { date: "2024-07", source: "https://github.com/open-telemetry/opamp-spec/pull/190" };
const LINKMESH = { date: "2026-11", source: "https://docs.linkmesh.io/concepts/self-telemetry" };
const ASSUMED = { date: "", source: "assumption" };
const measured = (part: string) => ({
    date: "2026-11",
    source: `measured with \`npm run bench -- --only ${part}\` ([benchmarks.md](benchmarks.md))`,
});

/** Of a Network Load Balancer. */
export const BALANCER = {
    targets: { value: 500, unit: "targets of a load balancer with cross-zone balancing; adjustable", ...QUOTAS },
    tcpActive: { value: 100_000, unit: "active TCP connections in a capacity unit", ...UNITS },
    tcpNew: { value: 800, unit: "new TCP connections a second in a capacity unit", ...UNITS },
    tlsActive: { value: 3_000, unit: "active TLS connections in a capacity unit", ...UNITS },
    tlsNew: { value: 50, unit: "new TLS connections a second in a capacity unit", ...UNITS },
    gigabytes: { value: 1, unit: "GB an hour in a capacity unit", ...UNITS },
    tlsIdle: { value: 350, unit: "seconds of silence before a TLS listener ends a connection; fixed", ...IDLE },
    tcpIdle: { value: 6_000, unit: "seconds of the same for a TCP listener, at most", ...IDLE },
    ports: {
        ...{ value: 55_000, unit: "connections from an address of the load balancer to a port of a node" },
        ...{ date: "2024", source: "AWS's guide to target groups, in copies of its text" },
    },
} as const satisfies Record<string, Figure>;

/** Of a fleet and of what serves it. */
export const FLEET = {
    heartbeat: { value: 30, unit: "seconds between two heartbeats of a collector", ...HEARTBEAT },
    metrics: { value: 30, unit: "seconds between two pushes of a collector's own metrics", ...LINKMESH },
    heartbeatBytes: { value: 300, unit: "bytes of a heartbeat and its reply, with headers", ...ASSUMED },
    metricsBytes: { value: 4_096, unit: "bytes of a push of metrics and its reply, with headers", ...ASSUMED },
    replyBytes: { value: 100, unit: "bytes of each reply, with headers", ...ASSUMED },
    writes: { value: 1, unit: "database write for each heartbeat, and for each push of metrics", ...ASSUMED },
    nginxMemory: { value: 45, unit: "KiB of nginx's memory for a session", ...measured("sessions") },
    nodeNginxMemory: { value: 57, unit: "KiB of the same behind a load balancer", ...measured("tier") },
    kernelMemory: {
        value: 12,
        unit: "KiB of the kernel's memory for a session, which has three TCP sockets",
        ...ASSUMED,
    },
    linkmeshMemory: { value: 60, unit: "KiB of LinkMesh's memory for a session", ...ASSUMED },
    systemMemory: { value: 512, unit: "MiB for the operating system and an idle LinkMesh", ...ASSUMED },
    usable: { value: 80, unit: "% of a machine's memory that may be in use", ...ASSUMED },
    handshake: {
        value: 1,
        unit: "ms of a CPU for a TLS handshake and the start of a session, nginx and LinkMesh",
        ...ASSUMED,
    },
} as const satisfies Record<string, Figure>;

const memory = (value: number, type: string): Figure => ({
    ...{ value, unit: `GiB of memory of a ${type}`, date: "2024", source: "memory" },
});

/** GiB of machines, the smallest first. */
export const MACHINES: Readonly<Record<string, Figure>> = Object.fromEntries(
    Object.entries({ "t3.small": 2, "t3.medium": 4, "m7g.large": 8, "m7g.xlarge": 16, "m7g.2xlarge": 32 }).map(
        ([type, value]) => [type, memory(value, type)],
    ),
);
