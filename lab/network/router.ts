import { existsSync, readdirSync, statSync } from "node:fs";
import { LabError, type Lab } from "../lab.ts";
import { exec, ipBatch, tryExec } from "../process/exec.ts";
import { withLock } from "../process/lock.ts";
import { AppliedObjects } from "../cloud/applied-objects.ts";

/** Unreachable routes, shared by all labs, which keep packets that no lab's route covers on this machine. */
const FENCES = ["10.77.0.0/16", "fd77::/48"];
const FENCES_LOCK = "the routes that all labs share";

/** Namespace of the VPC router and internet gateway of the lab. */
export function routerNamespace(lab: Lab): string {
    return `${lab.prefix}-router`;
}

/** The outer machine's end of the lab's "internet". */
export function outerInterface(lab: Lab): string {
    return `${lab.prefix}-wan`;
}

/** The router's end of the link to the lab's "internet". */
export const WAN = "wan";

/** The IPv6 address with the same last number as an IPv4 address of the lab's "internet": fd77:…::53 for 10.77.….53. */
export function ipv6Twin(lab: Lab, address: string): string {
    return `${lab.net.outer6.replace(/1$/, "")}${address.split(".")[3]}`;
}

/** The inode of a namespace, which changes when the namespace is made again. Undefined if there is none. */
export function namespaceInode(name: string): number | undefined {
    return statSync(`/run/netns/${name}`, { throwIfNoEntry: false })?.ino;
}

/** Makes the lab's "internet": the router's namespace, the link to it, addresses and routes. Idempotent. */
export function ensureNetwork(lab: Lab): Promise<void> {
    return withLock(lab.dir, async () => {
        const applied = AppliedObjects.load(lab);
        await ensureRouter(lab, applied);
        applied.save();
    });
}

/** {@link ensureNetwork} for a caller that holds the lab's lock. */
export async function ensureRouter(lab: Lab, applied: AppliedObjects): Promise<void> {
    const namespace = routerNamespace(lab);
    const outer = outerInterface(lab);
    const commands = routerCommands(lab);
    const print = () => JSON.stringify([commands, namespaceInode(namespace)]);
    if (applied.get("router") === print() && existsSync(`/sys/class/net/${outer}`)) return;

    await raiseFences();
    await removeRouter(lab);
    applied.deletePrefix("");
    await ipBatch(commands.outside);
    await ipBatch(commands.inside, namespace);
    await setSysctls(namespace, {
        "net/ipv4/ip_forward": "1",
        "net/ipv6/conf/all/forwarding": "1",
        "net/ipv4/conf/all/rp_filter": "0",
        "net/ipv4/conf/default/rp_filter": "0",
        "net/ipv4/conf/all/send_redirects": "0",
        "net/ipv4/conf/default/send_redirects": "0",
    });
    // Last, because routes over the link need its addresses.
    await ipBatch(commands.routes);
    applied.set("router", print());
}

export async function removeRouter(lab: Lab): Promise<void> {
    const outer = outerInterface(lab);
    if (existsSync(`/sys/class/net/${outer}`)) await tryExec("ip", ["link", "del", outer]);
    if (namespaceInode(routerNamespace(lab)) !== undefined) await exec("ip", ["netns", "del", routerNamespace(lab)]);
}

/** Writes kernel settings inside a namespace without the sysctl command. */
export async function setSysctls(namespace: string, values: Record<string, string>): Promise<void> {
    const script = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/${path}`);
    await exec("ip", ["netns", "exec", namespace, "sh", "-ec", script.join("\n")]);
}

function routerCommands(lab: Lab): { outside: string[]; inside: string[]; routes: string[] } {
    const { net } = lab;
    const outer = outerInterface(lab);
    const services = [net.dns, net.acme, net.packages, net.aptCache, net.aws, net.storage];
    // Fixed, for permanent neighbour entries. If a busy machine fails to resolve a neighbour once, the kernel skips the
    // lab's route and uses the unreachable route instead, until something contacts the neighbour directly.
    const mac = (side: 1 | 2) => `02:4c:4d:00:0${lab.slot}:0${side}`;
    const neighbour = (ip: string, side: 1 | 2, dev: string) =>
        `neigh replace ${ip} lladdr ${mac(side)} dev ${dev} nud permanent`;
    return {
        outside: [
            `netns add ${routerNamespace(lab)}`,
            `link add ${outer} type veth peer name ${WAN} netns ${routerNamespace(lab)}`,
            `link set ${outer} addrgenmode none address ${mac(1)}`,
            `addr add ${net.outer}/24 dev ${outer}`,
            ...services.map((ip) => `addr add ${ip}/32 dev ${outer}`),
            `link set ${outer} up`,
            `addr add ${net.outer6}/64 dev ${outer} nodad`,
            ...services.map((ip) => `addr add ${ipv6Twin(lab, ip)}/128 dev ${outer} nodad`),
            neighbour(net.router6, 2, outer),
        ],
        inside: [
            "link set lo up",
            `link set ${WAN} addrgenmode none address ${mac(2)}`,
            `link set ${WAN} up`,
            `addr add ${net.router}/24 dev ${WAN}`,
            `addr add ${net.router6}/64 dev ${WAN} nodad`,
            ...[net.outer6, ...services.map((ip) => ipv6Twin(lab, ip))].map((ip) => neighbour(ip, 1, WAN)),
        ],
        routes: [
            `route replace ${net.elasticCidr} via ${net.router} dev ${outer} src ${net.outer}`,
            // As over a VPN. The router lets it through only to private subnets.
            `route replace ${net.existingCidr} via ${net.router} dev ${outer} src ${net.outer}`,
            // All VPCs of the slot at once: 32 times 256 subnets.
            `route replace ${net.outer6.replace(/::1$/, "::/51")} via ${net.router6} dev ${outer} src ${net.outer6}`,
        ],
    };
}

/** Adds the two unreachable routes, or refuses if this machine uses one of the two networks itself. */
async function raiseFences(): Promise<void> {
    await withLock(FENCES_LOCK, async () => {
        for (const cidr of FENCES) {
            const family = cidr.includes(":") ? "-6" : "-4";
            const routes = JSON.parse(await exec("ip", ["-j", family, "route", "show", "root", cidr])) as {
                dst: string;
                dev?: string;
                type?: string;
            }[];
            const foreign = routes.find((route) => route.type !== "unreachable" && !/^lml\d-/.test(route.dev ?? ""));
            if (foreign) {
                throw new LabError(
                    `the lab uses ${cidr}, but this machine has a route to ${foreign.dst} over ${foreign.dev}: ` +
                        "remove that route, or run the lab on another machine",
                );
            }
            if (!routes.some((route) => route.type === "unreachable" && route.dst === cidr)) {
                await exec("ip", [family, "route", "add", "unreachable", cidr]);
            }
        }
    });
}

/** Removes the two unreachable routes unless another lab exists. */
export async function lowerFences(): Promise<void> {
    await withLock(FENCES_LOCK, async () => {
        if (namespaces().some((name) => /^lml\d-router$/.test(name))) return;
        for (const cidr of FENCES) {
            await tryExec("ip", [cidr.includes(":") ? "-6" : "-4", "route", "del", "unreachable", cidr]);
        }
    });
}

export function namespaces(): string[] {
    return existsSync("/run/netns") ? readdirSync("/run/netns") : [];
}
