import type { Checks, ChecksSsh } from "../components/checks.ts";
import { UsageError } from "./usage-error.ts";

/** A machine of a proxy. */
export interface Machine {
    /** As "node-2". Undefined if the proxy has one machine. */
    name?: string;
    ssh: ChecksSsh;
}

/** The machines of a proxy, or the one with a name. @throws UsageError if there is none */
export function machinesOf({ host, tier, ssh }: Pick<Checks, "host" | "tier" | "ssh">, name?: string): Machine[] {
    if (!tier) {
        if (name === undefined) return [{ ssh }];
        throw new UsageError(`${host} has one machine: leave --machine ${name} out`);
    }
    const all = tier.nodes.map((login, index) => ({ name: `node-${index + 1}`, ssh: login }));
    const chosen = all.filter((machine) => name === undefined || machine.name === name);
    if (chosen.length > 0 || name === undefined) return chosen;
    throw new UsageError(`${host} has no machine ${name}. It has ${all.map((machine) => machine.name).join(", ")}.`);
}
