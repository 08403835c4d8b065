import { execa } from "execa";
import { existsSync } from "node:fs";
import { SLOTS, type Lab, labAt, labRoot } from "../../lab/lab.ts";
import { withLock } from "../../lab/process/lock.ts";

/** Runs while no other lab is made: the lowest free slot, which a new one takes, may be the one that has just become free. */
export function withoutNewLabs<T>(run: () => Promise<T>): Promise<T> {
    return withLock(`the slots of ${labRoot()}`, run);
}

/**
 * What is there of a lab on the outer machine, by kind; other labs' things are not counted.
 * Empty lists are what `destroy` has to leave. Packet filters are not among them: each is a namespace's own, and goes
 * with it.
 */
export async function leftovers(lab: Lab): Promise<Record<string, string[]>> {
    const lines = async (command: string, ...args: string[]) => {
        const { stdout } = await execa(command, args);
        return stdout.split("\n").filter((line) => belongsTo(lab, line));
    };
    return {
        namespaces: await lines("ip", "netns", "list"),
        links: await lines("ip", "-o", "link", "show"),
        addresses: await lines("ip", "-o", "addr", "show"),
        routes: [...(await lines("ip", "route", "show")), ...(await lines("ip", "-6", "route", "show"))],
        mounts: await lines("findmnt", "--noheadings", "--list", "--output", "TARGET,SOURCE"),
        loops: await lines("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"),
        processes: (await lines("ps", "-e", "-o", "args=")).filter((line) => !/vitest/.test(line)),
        directory: existsSync(lab.dir) ? [lab.dir] : [],
    };
}

function belongsTo(lab: Lab, line: string): boolean {
    const { net } = lab;
    const marks = [
        `${lab.prefix}-`,
        `${lab.dir}/`,
        net.outer.replace(/\.1$/, "."),
        net.elasticAddress(1).replace(/\.1$/, "."),
    ];
    return marks.some((mark) => line.includes(mark));
}

/** The routes that keep the lab's networks on this machine, if no lab is left. */
export async function fenceRoutes(): Promise<string[]> {
    const isAny = () => Array.from({ length: SLOTS }, (_, slot) => labAt(slot)).some((lab) => existsSync(lab.dir));
    const before = isAny();
    const { stdout } = await execa("sh", ["-c", "ip route show; ip -6 route show"]);
    // Another file's lab may begin or end meanwhile.
    if (before || isAny()) return [];
    return stdout.split("\n").filter((line) => /10\.77\.|fd77:/.test(line));
}
