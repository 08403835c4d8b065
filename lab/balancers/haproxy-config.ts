import type { CloudState } from "../cloud/state.ts";
import type { Listener, LoadBalancer, TargetGroup, TargetHealthCheck } from "../cloud/balancer-state.ts";
import { shortId } from "../lab.ts";
import { versionsOf } from "../providers/aws/tls-policies.ts";

/** HAProxy's directory, as it sees it. */
export const INSIDE = "/lab";
export const SERVERS_FILE = "servers.state";
/** What ends sessions that HAProxy itself would let go on. */
export const SESSIONS_SCRIPT = "sessions.lua";
/** The targets whose sessions end, each with the time. */
export const DEREGISTERED_FILE = "deregistered";
/** The unhealthy targets, for processes from before a reload. */
export const UNHEALTHY_FILE = "unhealthy";

/** A load balancer's node in a zone. As on AWS, each has its own HAProxy and checks the targets itself. */
export interface BalancerNode {
    balancer: LoadBalancer;
    networkInterfaceId: string;
    subnetId: string;
}

/** The nodes that need a HAProxy: without a listener it would have nothing to do, and end. */
export function nodesOf(state: CloudState): BalancerNode[] {
    const busy = Object.values(state.loadBalancers).filter((balancer) => listenersOf(state, balancer).length > 0);
    return busy.flatMap((balancer) =>
        balancer.zones.map(({ networkInterfaceId, subnetId }) => ({ balancer, networkInterfaceId, subnetId })),
    );
}

/** The listeners of a load balancer, by port. */
export function listenersOf({ listeners }: CloudState, { arn }: LoadBalancer): Listener[] {
    return Object.values(listeners)
        .filter(({ loadBalancerArn }) => loadBalancerArn === arn)
        .sort((a, b) => a.port - b.port);
}

/** The name of the backend with the healthy targets. That with all of them has "_all" behind it. */
export function backendOf({ port }: Listener): string {
    return `port_${port}`;
}

/** The file of a certificate with its key, in HAProxy's directory. */
export function certificateFile(arn: string): string {
    return `${shortId(arn)}.pem`;
}

/** The configuration of one node's HAProxy. Pure. */
export function renderHaproxy(state: CloudState, node: BalancerNode): string {
    const listeners = listenersOf(state, node.balancer);
    const sections = listeners.map((listener) => renderListener(state, node, listener));
    return [globalLines(state, listeners), DEFAULTS, ...sections].join("\n");
}

/** As AWS, without verification of the targets' certificates. */
function globalLines(state: CloudState, listeners: readonly Listener[]): string {
    const ending = listeners.filter(({ targetGroupArn }) => state.targetGroups[targetGroupArn]!.endsUnhealthy);
    return [
        "global",
        "    log stdout format raw local0 notice",
        `    stats socket ${INSIDE}/admin.sock mode 600 level admin expose-fd listeners`,
        `    server-state-file ${INSIDE}/${SERVERS_FILE}`,
        `    lua-load ${[`${INSIDE}/${SESSIONS_SCRIPT}`, ...ending.map(backendOf)].join(" ")}`,
        "    nbthread 1",
        "    fd-hard-limit 20000",
        "    ssl-server-verify none",
        "",
    ].join("\n");
}

/** AWS spreads by a hash of addresses and ports, which is random for new connections, and tries no other target. */
const DEFAULTS = `defaults
    mode tcp
    log global
    balance random(1)
    retries 0
    timeout connect 10s
    load-server-state-from-file global
`;

function renderListener(state: CloudState, node: BalancerNode, listener: Listener): string {
    const { privateIp, ipv6Addresses } = state.networkInterfaces[node.networkInterfaceId]!;
    const group = state.targetGroups[listener.targetGroupArn]!;
    const name = backendOf(listener);
    const servers = targetsOf(state, node, group).map(({ server }) => `    server ${server} ${server}`);
    const idle = `${listener.idleSeconds}s`;
    const binds = [privateIp, ...ipv6Addresses.map((address) => `[${address}]`)];
    return [
        `frontend ${name}`,
        ...binds.map((address) => `    bind ${address}:${listener.port}${tlsOf(listener)}`),
        `    timeout client ${idle}`,
        // As on AWS, a load balancer without any healthy target sends to all of them.
        `    use_backend ${name}_all if { nbsrv(${name}) eq 0 }`,
        `    default_backend ${name}`,
        "",
        `backend ${name}`,
        `    timeout server ${idle}`,
        ...checkLines(group),
        `    default-server ${[...serverOptions(group), ...checkOptions(group)].join(" ")}`,
        ...servers,
        "",
        `backend ${name}_all`,
        `    timeout server ${idle}`,
        ...serverOptions(group).map((option) => `    default-server ${option}`),
        ...servers,
        "",
    ].join("\n");
}

function tlsOf({ protocol, certificateArn = "", sslPolicy = "", alpnPolicy }: Listener): string {
    if (protocol !== "TLS") return "";
    const [oldest, newest] = versionsOf(sslPolicy);
    const alpn = {
        HTTP1Only: "http/1.1",
        HTTP2Only: "h2",
        HTTP2Optional: "http/1.1,h2",
        HTTP2Preferred: "h2,http/1.1",
    }[alpnPolicy ?? ""];
    const versions = `ssl-min-ver ${oldest} ssl-max-ver ${newest}`;
    // Without a policy AWS speaks no ALPN. HAProxy would offer http/1.1.
    return ` ssl crt ${INSIDE}/${certificateFile(certificateArn)} ${versions} ${alpn ? `alpn ${alpn}` : "no-alpn"}`;
}

/** A machine and the port to which a node sends. */
export interface Target {
    instanceId: string;
    /** Address and port: the name of the server. */
    server: string;
}

/** The machines of a group to which the node sends: those of its own zone, or of all zones. */
export function targetsOf(state: CloudState, { balancer, subnetId }: BalancerNode, group: TargetGroup): Target[] {
    const zone = state.subnets[subnetId]!.availabilityZone;
    return group.targets.flatMap(({ instanceId, port }) => {
        const instance = state.instances[instanceId];
        const eni = instance && state.networkInterfaces[instance.networkInterfaceId];
        // A machine that is terminated elsewhere stays in the group until its attachment goes.
        if (!eni) return [];
        if (!balancer.isCrossZone && state.subnets[eni.subnetId]!.availabilityZone !== zone) return [];
        return [{ instanceId, server: `${eni.privateIp}:${port}` }];
    });
}

function serverOptions({ protocol, sendsProxyHeader }: TargetGroup): string[] {
    return [...(protocol === "TLS" ? ["ssl"] : []), ...(sendsProxyHeader ? ["send-proxy-v2"] : [])];
}

function checkOptions({ healthCheck, endsUnhealthy }: TargetGroup): string[] {
    const { interval, healthyThreshold: rise, unhealthyThreshold: fall } = healthCheck;
    return [
        `check inter ${interval}s fall ${fall} rise ${rise}`,
        ...(endsUnhealthy ? ["on-marked-down shutdown-sessions"] : []),
    ];
}

/** With a PROXY header, if the group sends it: its command is then LOCAL, as in AWS's checks. */
function checkLines({ healthCheck, sendsProxyHeader }: TargetGroup): string[] {
    const { protocol, port, timeout } = healthCheck;
    const to = [
        ...(port === undefined ? [] : [`port ${port}`]),
        ...(sendsProxyHeader ? ["send-proxy"] : []),
        ...(protocol === "HTTPS" ? ["ssl"] : []),
    ];
    const connect = ["connect", ...to].join(" ");
    const common = [`    timeout check ${timeout}s`];
    if (protocol === "TCP") return [...common, "    option tcp-check", `    tcp-check ${connect}`];
    return [...common, "    option httpchk", `    http-check ${connect}`, ...requestLines(healthCheck)];
}

function requestLines({ path = "/", matcher = "200-399", port }: TargetHealthCheck): string[] {
    // AWS names the target's address and the port of the check. A server's name is its address and its own port.
    const host = port === undefined ? "%[srv_name]" : `%[srv_name,field(1,:)]:${port}`;
    return [
        `    http-check send meth GET uri ${quoted(path)} ver HTTP/1.1 hdr Host ${host} hdr User-Agent ELB-HealthChecker/2.0`,
        `    http-check expect status ${matcher}`,
    ];
}

function quoted(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
}
