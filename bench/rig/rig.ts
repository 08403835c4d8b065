import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import type { Progress } from "../../lab/lab.ts";
import { deleteMachine, machinesDir, removeCgroups } from "../../lab/machines/machine.ts";
import { useOpenUmask } from "../../lab/process/umask.ts";
import { killAll, processesOfLab } from "../../lab/process/process.ts";
import { RIVALS } from "../rivals/rivals.ts";
import { Authority } from "./certificate.ts";
import { ensureProgram } from "./go.ts";
import { ensureRigImage } from "./image.ts";
import { type Boot, RIG, RigMachine } from "./machine.ts";
import { linkMachine, machineAddress, makeClients, removeNetwork } from "./network.ts";
import { Subject, prepare } from "./subject.ts";
import { Tier } from "./tier.ts";

/** A machine for this program and for each rival, all alike, and a network that leads only to the clients. */
export class Rig {
    private constructor(
        /** In the order of the tables. */
        readonly subjects: readonly Subject[],
        /** The program of `bench/go` that clients and backends are. */
        readonly opamp: string,
        private readonly boot: Boot,
        private readonly authority: Authority,
    ) {}

    /** So many machines of this program behind a load balancer. */
    tier(nodes: number, progress: Progress): Promise<Tier> {
        return Tier.start(this.boot, this.authority, this.opamp, nodes, progress);
    }

    /** The subjects of these names. */
    only(...names: string[]): Subject[] {
        return this.subjects.filter(({ name }) => names.includes(name));
    }

    static async start(progress: Progress, signal: AbortSignal): Promise<Rig> {
        useOpenUmask();
        const opamp = await ensureProgram("opamp", progress);
        const caddy = await ensureProgram("caddy", progress);
        const image = await ensureRigImage(progress);
        await Rig.remove();
        mkdirSync(RIG.dir, { recursive: true, mode: 0o700 });
        const authority = await Authority.make(RIG.dir);
        const pair = await authority.issue();
        await makeClients();
        let machines = 0;
        const boot: Boot = async (prepared) => {
            signal.throwIfAborted();
            const number = ++machines;
            const machine = new RigMachine(`m-${number}`, machineAddress(number), image);
            await linkMachine(number, machine.namespace);
            prepared(machine);
            await machine.start();
            return machine;
        };
        const subjects: Subject[] = [];
        for (const rival of RIVALS) {
            progress(`booting a machine for ${rival.name}`);
            const machine = await boot((machine) => prepare(machine, rival, pair, { opamp, caddy }));
            subjects.push(new Subject(rival, machine, authority));
        }
        return new Rig(subjects, opamp, boot, authority);
    }

    /** Removes all machines, clients and networks, also those of a benchmark that was killed. */
    static async remove(): Promise<void> {
        const machines = machinesDir(RIG);
        for (const id of existsSync(machines) ? readdirSync(machines) : []) await deleteMachine(RIG, id);
        const left = await killAll(processesOfLab(RIG));
        if (left.length > 0) throw new Error(`processes of the benchmark do not end: ${left.join(", ")}`);
        removeCgroups(RIG.prefix);
        await removeNetwork();
        rmSync(RIG.dir, { recursive: true, force: true });
    }
}
