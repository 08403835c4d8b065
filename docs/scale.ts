import { retrySpread } from "../components/host/render/nginx/retry-after.ts";
import { LISTENERS } from "../components/listeners.ts";
import { BALANCER, FLEET, type Figure, MACHINES } from "./limits.ts";
import { HOURS, INSTANCE_TYPES, PRICES, type Price, TIER_PRICES } from "./prices.ts";
import { table } from "./settings.ts";

const KIB_IN_GIB = 1024 * 1024;

/** What the fleet does each second. */
export function load(collectors: number, { metrics = true } = {}) {
    const heartbeats = collectors / FLEET.heartbeat.value;
    const pushes = metrics ? collectors / FLEET.metrics.value : 0;
    const bytes = heartbeats * FLEET.heartbeatBytes.value + pushes * FLEET.metricsBytes.value;
    return {
        heartbeats,
        pushes,
        writes: (heartbeats + pushes) * FLEET.writes.value,
        /** Both directions, in GB an hour. */
        gigabytes: perHour(bytes),
        /** To the collectors, in GB an hour. */
        egress: perHour((heartbeats + pushes) * FLEET.replyBytes.value),
        /** New sessions a second while all come back, and the CPUs that they keep busy. */
        storm: storm(collectors),
        stormCpus: (storm(collectors) * FLEET.handshake.value) / 1000,
    };
}

/** How many come back a second after all were cut off: nginx tells each when. */
const storm = (collectors: number) => collectors / retrySpread(collectors);

const perHour = (bytesPerSecond: number) => (bytesPerSecond * 3600) / 1e9;

/** GiB for this many sessions of one machine, or of a node behind a load balancer. */
export function memory(sessions: number, nginxMemory: Figure = FLEET.nginxMemory): number {
    const session = nginxMemory.value + FLEET.kernelMemory.value + FLEET.linkmeshMemory.value;
    return (sessions * session) / KIB_IN_GIB + FLEET.systemMemory.value / 1024;
}

/** GiB of a machine that may be in use. */
const usable = (type: string) => (MACHINES[type]!.value * FLEET.usable.value) / 100;

/** The smallest machine that has room for the sessions; undefined if none has. */
export function machineFor(sessions: number): string | undefined {
    return Object.keys(MACHINES).find((type) => memory(sessions) <= usable(type));
}

/** Of the tier. */
const NODE = "m7g.large";
const ZONES = 3;
const PORTS = Object.keys(LISTENERS).length;

/**
 * What a rolling change makes of sessions that are spread evenly: each node in turn loses its sessions, which connect again to
 * the others, and comes back without any. In shares of all sessions: the most that a node had at any time, and what each has
 * afterwards, in the order of the change.
 */
export function rollingChange(nodes: number): { most: number; after: number[] } {
    let shares = Array<number>(nodes).fill(1 / nodes);
    let most = 0;
    for (let out = 0; out < nodes; out++) {
        const moved = shares[out]! / (nodes - 1);
        shares = shares.map((share, node) => (node === out ? 0 : share + moved));
        most = Math.max(most, ...shares);
    }
    return { most, after: shares };
}

/** So many nodes that all sessions have room in a rolling change. At least one a zone. */
export function nodesFor(collectors: number): number {
    let nodes = ZONES;
    while (memory(collectors * rollingChange(nodes).most, FLEET.nodeNginxMemory) > usable(NODE)) nodes++;
    return nodes;
}

/** Capacity units: the greatest of three counts. New sessions count by the hour's average, of one storm an hour here. */
export function capacityUnits(collectors: number, listener: "tls" | "tcp", gigabytes: number): number {
    return Math.max(
        collectors / BALANCER[`${listener}Active`].value,
        collectors / 3600 / BALANCER[`${listener}New`].value,
        gigabytes / BALANCER.gigabytes.value,
    );
}

/** Dollars a month. */
export function tierCost(collectors: number, listener: "tls" | "tcp", sends = { metrics: true }) {
    const { gigabytes, egress } = load(collectors, sends);
    const nodes = nodesFor(collectors);
    const { hour, unit, crossZone } = TIER_PRICES;
    const address = PRICES.ipv4.dollars * HOURS;
    const parts = {
        nodes: nodes * (instance(NODE) + 8 * PRICES.gp3.dollars + address),
        balancer:
            (hour.dollars + capacityUnits(collectors, listener, gigabytes) * unit.dollars) * HOURS + ZONES * address,
        zones: gigabytes * (1 - 1 / ZONES) * crossZone.dollars * HOURS,
        egress: egress * PRICES.egress.dollars * HOURS,
    };
    return { ...parts, sum: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

const instance = (type: string) =>
    (INSTANCE_TYPES[type] ?? TIER_PRICES[type as keyof typeof TIER_PRICES]).dollars * HOURS;

const ONE_MACHINE = [1_000, 10_000, 50_000, 100_000, 200_000];
const TIERS = [100_000, 1_000_000];

/** The computed part of docs/scale.md about one machine. */
export function oneMachine(): string {
    const rows = ONE_MACHINE.map((collectors) => {
        const { heartbeats, writes, storm, stormCpus } = load(collectors);
        const type = machineFor(collectors)!;
        return [
            ...[count(collectors), `${memory(collectors).toFixed(1)} GiB`, `\`${type}\``, dollars(instance(type))],
            ...[count(heartbeats), count(writes), count(storm), stormCpus.toFixed(2)],
        ];
    });
    const head = ["collectors", "memory", "smallest machine", "its price a month"];
    return table([...head, "heartbeats/s", "writes/s", "sessions/s in a storm", "CPUs in it"], rows).join("\n");
}

/** The computed part about the tier. */
export function tier(): string {
    const row = (name: string, of: (collectors: number) => string) => [name, ...TIERS.map(of)];
    const units = (listener: "tls" | "tcp", metrics: boolean) => (collectors: number) =>
        capacityUnits(collectors, listener, load(collectors, { metrics }).gigabytes).toFixed(1);
    const cost =
        (part: keyof ReturnType<typeof tierCost>, listener: "tls" | "tcp" = "tls") =>
        (collectors: number) =>
            dollars(tierCost(collectors, listener)[part]);
    const mostOnNode = (collectors: number) => collectors * rollingChange(nodesFor(collectors)).most;
    return table(
        ["", ...TIERS.map((collectors) => `${count(collectors)} collectors`)],
        [
            row(`nodes (\`${NODE}\`)`, (c) => String(nodesFor(c))),
            row("sessions on a node, if they are spread evenly", (c) => count(c / nodesFor(c))),
            row("sessions on the fullest node in a rolling change", (c) => count(mostOnNode(c))),
            row(`targets, of ${count(BALANCER.targets.value)}`, (c) => String(nodesFor(c) * PORTS)),
            row(`connections from an address of the load balancer to a node, of ${count(BALANCER.ports.value)}`, (c) =>
                count(mostOnNode(c) / ZONES),
            ),
            row("heartbeats/s", (c) => count(load(c).heartbeats)),
            row("database writes/s", (c) => count(load(c).writes)),
            row("traffic, GB/h", (c) => load(c).gigabytes.toFixed(1)),
            row("capacity units, TLS listener", units("tls", true)),
            row("capacity units, TLS listener, without metrics", units("tls", false)),
            row("capacity units, TCP listener, without metrics", units("tcp", false)),
            row("sessions/s in a storm", (c) => count(load(c).storm)),
            row(`CPUs in it, of ${TIERS.map((c) => nodesFor(c) * 2).join(" and ")}`, (c) =>
                load(c).stormCpus.toFixed(1),
            ),
            row("nodes, a month", cost("nodes")),
            row("load balancer, a month", cost("balancer")),
            row("traffic between zones, a month", cost("zones")),
            row("traffic out, a month", cost("egress")),
            row("**sum without MongoDB and Git, a month**", cost("sum")),
        ],
    ).join("\n");
}

const ROLLS = [2, 3, 5, 10, 50];

/** The computed part about a rolling change, in multiples of an even share. */
export function rolls(): string {
    const rows = ROLLS.map((nodes) => {
        const { most, after } = rollingChange(nodes);
        const times = (share: number) => `${(share * nodes).toFixed(2)} ×`;
        return [
            ...[String(nodes), `${(100 / nodes).toFixed(0)}%`, times(most), `${(100 * most).toFixed(0)}%`],
            ...[times(after[0]!), times(after[Math.floor(nodes / 2)]!), times(after.at(-1)!)],
        ];
    });
    const head = ["nodes", "even share", "most on a node", "of all sessions"];
    return table([...head, "afterwards, the first node", "the middle one", "the last one"], rows).join("\n");
}

/** All figures and prices that the tables are made of. */
export function figures(): string {
    const figure = ({ value, unit, date, source }: Figure) => [count(value), unit, date, source];
    const price = ({ dollars: amount, unit, date, source }: Price) => [`$${amount}`, unit, date, source];
    const memories = Object.values(MACHINES).map(figure);
    return table(
        ["figure", "of what", "date", "source"],
        [
            ...[...Object.values<Figure>(BALANCER), ...Object.values<Figure>(FLEET)].map(figure),
            ...memories,
            ...Object.values<Price>(TIER_PRICES).map(price),
        ],
    ).join("\n");
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const dollars = (amount: number) => `$${count(amount)}`;
