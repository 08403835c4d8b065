import { readFileSync } from "node:fs";
import type { Progress } from "../../lab/lab.ts";
import { thisProgram } from "../rivals/this-program.ts";
import type { Authority, Pair } from "./certificate.ts";
import type { Boot, RigMachine, Usage } from "./machine.ts";
import { type Target, answers, placeBackend } from "./subject.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** Machines of this program behind a load balancer, which is a machine, too. */
export class Tier {
    private constructor(
        private readonly balancer: RigMachine,
        private readonly nodes: readonly RigMachine[],
        private readonly ca: string,
    ) {}

    static async start(boot: Boot, authority: Authority, opamp: string, nodes: number, progress: Progress) {
        const pair = await authority.issue();
        progress("booting a machine for the load balancer");
        const balancer = await boot((machine) => {
            machine.write("/etc/haproxy/certs/linkmesh.pem", pair.certificate + pair.key);
            machine.write("/etc/systemd/system/haproxy@.service", read("../rivals/haproxy/haproxy@.service"));
        });
        const started: RigMachine[] = [];
        for (let node = 1; node <= nodes; node++) {
            progress(`booting node ${node}`);
            started.push(await boot((machine) => prepareNode(machine, pair, opamp)));
        }
        return new Tier(balancer, started, authority.file);
    }

    /** The load balancer with the first nodes behind it. */
    of(count: number): Target {
        const nodes = this.nodes.slice(0, count);
        const { balancer, ca } = this;
        const target: Target = {
            name: count === 1 ? "1 node" : `${count} nodes`,
            address: balancer.address,
            ca,
            restart: async (sessions) => {
                for (const node of nodes) await restartNode(node, sessions, balancer);
                const servers = nodes.map(({ id, address }) => `    server ${id} ${address}:443\n`).join("");
                const config = read("../rivals/balancer.cfg") + servers;
                await balancer.run(
                    `cat >/etc/haproxy/haproxy.cfg <<'END_OF_FILE'\n${config}END_OF_FILE\nsystemctl restart haproxy@1`,
                );
                await answers(balancer, target);
            },
            stop: async () => {
                await balancer.run("systemctl stop haproxy@1");
                for (const node of nodes) await node.run("systemctl stop nginx backend@1");
            },
            usage: () => nodes.map((node) => node.usage(["nginx"])).reduce(sum),
        };
        return target;
    }
}

function prepareNode(machine: RigMachine, pair: Pair, opamp: string): void {
    placeBackend(machine, pair, opamp);
    machine.writeAll({
        "/etc/linkmesh-proxy/tls/current/fullchain.pem": pair.certificate,
        "/etc/linkmesh-proxy/tls/current/privkey.pem": pair.key,
    });
}

async function restartNode(node: RigMachine, sessions: number, balancer: RigMachine): Promise<void> {
    await node.run(thisProgram.configure(sessions, { cidrs: [`${balancer.address}/32`], drainSeconds: 0 }));
    await node.run("systemctl restart backend@1 nginx");
}

function sum(one: Usage, other: Usage): Usage {
    return {
        pssKb: one.pssKb + other.pssKb,
        cpuSeconds: one.cpuSeconds + other.cpuSeconds,
        writtenKb: one.writtenKb + other.writtenKb,
        processes: one.processes + other.processes,
    };
}
