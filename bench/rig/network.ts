import { existsSync } from "node:fs";
import { namespaces } from "../../lab/network/router.ts";
import { exec, ipBatch } from "../../lab/process/exec.ts";
import { CLIENTS, RIG } from "./machine.ts";

/** Source addresses of the clients, 16,384 of them. */
export const SOURCES = { first: "10.77.64.1", cidr: "10.77.64.0/18" };

/** The address of the machine number `n`, from 1 to 63. */
export const machineAddress = (n: number) => `10.77.${n}.2`;

/** Makes the clients' namespace. No link leads from it to anything but the machines, between which it is the router. */
export async function makeClients(): Promise<void> {
    await exec("ip", ["netns", "add", CLIENTS]);
    await ipBatch(["link set lo up", `route add local ${SOURCES.cidr} dev lo`], CLIENTS);
    const range = "echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range";
    const forward = "echo 1 >/proc/sys/net/ipv4/ip_forward";
    await exec("ip", ["netns", "exec", CLIENTS, "sh", "-ec", `${range}; ${forward}`]);
}

/** Makes a machine's namespace, and its link to the clients. */
export async function linkMachine(n: number, namespace: string): Promise<void> {
    await exec("ip", ["netns", "add", namespace]);
    const own = `10.77.${n}.1`;
    await ipBatch(
        [
            `link add m${n} type veth peer name eth0 netns ${namespace}`,
            `addr add ${own}/24 dev m${n}`,
            `link set m${n} up`,
        ],
        CLIENTS,
    );
    await ipBatch(
        [
            "link set lo up",
            `addr add ${machineAddress(n)}/24 dev eth0`,
            "link set eth0 up",
            `route add default via ${own} dev eth0`,
        ],
        namespace,
    );
}

export async function removeNetwork(): Promise<void> {
    for (const name of namespaces()) if (name.startsWith(`${RIG.prefix}-`)) await exec("ip", ["netns", "del", name]);
    if (existsSync(`/run/netns/${CLIENTS}`)) throw new Error(`the namespace ${CLIENTS} is still there`);
}
