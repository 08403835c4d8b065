import { LabError, shortId, type Lab } from "../lab.ts";
import { exec, ipBatch, tryExec } from "../process/exec.ts";
import { addressAt, parseCidr } from "./cidr.ts";
import { namespaceInode, namespaces, routerNamespace, setSysctls } from "./router.ts";
import type { AppliedObjects } from "../cloud/applied-objects.ts";
import type { CloudState, NetworkInterface, Subnet } from "../cloud/state.ts";

/** The namespace of an interface. Like an ENI, it outlives the machine that uses it. */
export function interfaceNamespace(lab: Lab, interfaceId: string): string {
    return `${lab.prefix}-eni-${shortId(interfaceId)}`;
}

/** The router's end of an interface's link. */
export function routerInterface(lab: Lab, interfaceId: string): string {
    return `${lab.prefix}-${shortId(interfaceId)}`;
}

/** Makes, changes and removes network interfaces to match the state. */
export async function applyInterfaces(lab: Lab, state: CloudState, applied: AppliedObjects): Promise<void> {
    const wanted = Object.values(state.networkInterfaces);
    refuseDoubles(wanted);
    const names = new Set(wanted.map((eni) => interfaceNamespace(lab, eni.id)));
    for (const name of namespaces()) {
        if (name.startsWith(`${lab.prefix}-eni-`) && !names.has(name)) {
            await removeInterface(lab, name);
            applied.delete(`eni ${name}`);
        }
    }
    for (const eni of wanted) {
        const subnet = state.subnets[eni.subnetId];
        if (!subnet) throw new Error(`${eni.id} is in ${eni.subnetId}, which does not exist`);
        await ensureInterface(lab, eni, subnet, applied);
    }
}

/** Refuses equal private addresses, because one router serves all VPCs of a lab. */
function refuseDoubles(interfaces: NetworkInterface[]): void {
    const seen = new Map<string, string>();
    for (const eni of interfaces) {
        const other = seen.get(eni.privateIp);
        if (other) {
            throw new LabError(
                `${other} and ${eni.id} both have the private address ${eni.privateIp}: the lab cannot tell two VPCs with ` +
                    "the same addresses apart, remove one or give it another CIDR",
            );
        }
        seen.set(eni.privateIp, eni.id);
    }
}

async function ensureInterface(
    lab: Lab,
    eni: NetworkInterface,
    subnet: Subnet,
    applied: AppliedObjects,
): Promise<void> {
    const namespace = interfaceNamespace(lab, eni.id);
    const link = routerInterface(lab, eni.id);
    const router = routerNamespace(lab);
    const block = parseCidr(subnet.cidrBlock)!;
    // As on AWS, the first address after the network's.
    const gateway = addressAt(block, 1);
    const inRouter = [
        `link add ${link} type veth peer name eth0 address ${eni.macAddress} netns ${namespace}`,
        `link set ${link} addrgenmode none`,
        `link set ${link} up`,
        `addr add ${gateway}/32 dev ${link}`,
        `addr add fe80::1/64 dev ${link} nodad`,
        `route add ${eni.privateIp}/32 dev ${link}`,
        ...eni.ipv6Addresses.map((ip) => `route add ${ip}/128 dev ${link}`),
    ];
    const inNamespace = [
        "link set lo up",
        "link set eth0 addrgenmode none",
        "link set eth0 up",
        `addr add ${eni.privateIp}/${block.prefix} dev eth0`,
        `route add default via ${gateway} dev eth0`,
        // Without a link-local address of its own, the machine cannot find the router's.
        "addr add fe80::2/64 dev eth0 nodad",
        ...eni.ipv6Addresses.map((ip) => `addr add ${ip}/128 dev eth0 nodad`),
        ...(eni.ipv6Addresses.length ? ["route add ::/0 via fe80::1 dev eth0"] : []),
    ];
    const print = () => JSON.stringify([inRouter, inNamespace, namespaceInode(namespace), namespaceInode(router)]);
    const key = `eni ${namespace}`;
    if (namespaceInode(namespace) !== undefined && applied.get(key) === print()) return;

    if (namespaceInode(namespace) === undefined) await exec("ip", ["netns", "add", namespace]);
    // Any change replaces the whole link. Removing it also removes its addresses and routes.
    await tryExec("ip", ["-n", router, "link", "del", link]);
    await ipBatch(inRouter, router);
    await setSysctls(router, {
        // The router answers for all other addresses of the subnet, so that traffic within a subnet is filtered too.
        [`net/ipv4/conf/${link}/proxy_arp`]: "1",
        [`net/ipv4/neigh/${link}/proxy_delay`]: "0",
        [`net/ipv4/conf/${link}/rp_filter`]: "0",
        [`net/ipv4/conf/${link}/send_redirects`]: "0",
    });
    await ipBatch(inNamespace, namespace);
    applied.set(key, print());
}

async function removeInterface(lab: Lab, namespace: string): Promise<void> {
    const link = namespace.replace(`${lab.prefix}-eni-`, `${lab.prefix}-`);
    await tryExec("ip", ["-n", routerNamespace(lab), "link", "del", link]);
    await exec("ip", ["netns", "del", namespace]);
}
