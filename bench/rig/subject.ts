import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../../lab/lab.ts";
import type { Rival } from "../rivals/rivals.ts";
import { type Authority, DOMAIN, type Pair } from "./certificate.ts";
import { type RigMachine, type Usage, inClients } from "./machine.ts";

/** Sessions that one process of the backend holds, whose descriptors are limited. */
const SESSIONS_PER_BACKEND = 15_000;

/** What clients connect to, and what it takes while they do. */
export interface Target {
    readonly name: string;
    readonly address: string;
    /** PEM file with the certificate to trust. */
    readonly ca: string;
    /** Starts it and its backends anew, sized for so many sessions. */
    restart(sessions: number): Promise<void>;
    stop(): Promise<void>;
    /** Memory and processor time of the proxy alone. */
    usage(): Usage;
}

/** A rival on a machine of its own, with the backend behind it on loopback. */
export class Subject implements Target {
    #sessions = 0;
    #changes = 0;

    constructor(
        readonly rival: Rival,
        readonly machine: RigMachine,
        private readonly authority: Authority,
    ) {}

    get ca(): string {
        return this.authority.file;
    }

    get name(): string {
        return this.rival.name;
    }

    get address(): string {
        return this.machine.address;
    }

    async restart(sessions: number): Promise<void> {
        await this.stop();
        if (this.#sessions !== sessions) await this.machine.run(this.rival.configure(sessions));
        this.#sessions = sessions;
        await this.machine.run(`systemctl restart ${this.#units()}`);
        await answers(this.machine, this);
    }

    async stop(): Promise<void> {
        if (this.#sessions > 0) await this.machine.run(`systemctl stop ${this.#units()}`);
    }

    /** As a restart of LinkMesh, which takes the given time from its end to its start. */
    async restartBackend(seconds: number): Promise<void> {
        const backends = this.#backends().join(" ");
        await this.machine.run(`systemctl stop ${backends}\nsleep ${seconds}\nsystemctl start ${backends}`);
    }

    /** The rival's own way to take a changed configuration. */
    async reload(): Promise<void> {
        await this.machine.run(this.rival.reload(this.#sessions));
    }

    /** Changes a setting in the rival's own way. */
    async change(): Promise<void> {
        await this.machine.run(`set -e\n${this.rival.change(this.#sessions, ++this.#changes)}`);
    }

    /** Puts another certificate for the same name into place, and has the rival take it. Returns when clients see it. */
    async renew(): Promise<void> {
        const pair = await this.authority.issue();
        const files = Object.entries(this.rival.certificate(pair));
        const writes = files.map(([path, text]) => `cat >${path} <<'END_OF_FILE'\n${text}END_OF_FILE\n`);
        await this.machine.run(`set -e\n${writes.join("")}${this.rival.renewed ?? this.rival.reload(this.#sessions)}`);
        const { serialNumber } = new X509Certificate(pair.certificate);
        for (let left = 50; (await this.#servedSerial()) !== serialNumber; left--) {
            if (left === 0) throw new LabError(`${this.name} does not serve its renewed certificate`);
            await sleep(100);
        }
    }

    /** Powers the machine off and boots it again with the same address. Backend and proxy start side by side, as Debian's units do. */
    async reboot(): Promise<void> {
        await this.machine.run(`systemctl enable --quiet ${this.#units()}`);
        await this.machine.stop();
        await this.machine.start();
        await this.machine.run(`systemctl disable --quiet ${this.#units()}`);
    }

    usage(): Usage {
        return this.machine.usage(this.rival.processes);
    }

    #units(): string {
        return [...this.#backends(), this.rival.units(this.#sessions)].join(" ");
    }

    #backends(): string[] {
        if (this.rival.program === "opamp") return []; // It is the backend.
        const count = Math.ceil(this.#sessions / SESSIONS_PER_BACKEND);
        return Array.from({ length: count }, (_, index) => `backend@${index + 1}`);
    }

    async #servedSerial(): Promise<string> {
        const connect = ["-connect", `${this.address}:443`, "-servername", DOMAIN];
        return new X509Certificate(await inClients(["openssl", "s_client", ...connect])).serialNumber;
    }
}

/** Waits until the machine gets an answer: a process may listen a moment after its start. */
export async function answers(machine: RigMachine, { name, address }: Target): Promise<void> {
    const curl = `curl --silent --fail --max-time 5 --output /dev/null --insecure --resolve ${DOMAIN}:443:${address} https://${DOMAIN}/`;
    await machine.run(
        `for try in $(seq 50); do ${curl} && exit; sleep 0.2; done; echo "${name} does not answer"; exit 1`,
    );
}

/** What every machine of the rig has. */
export function prepare(
    machine: RigMachine,
    rival: Rival,
    pair: Pair,
    programs: { opamp: string; caddy: string },
): void {
    placeBackend(machine, pair, programs.opamp);
    if (rival.program === "caddy") machine.copy(programs.caddy, "/usr/local/bin/caddy");
    machine.writeAll({ ...rival.files, ...rival.certificate(pair) });
}

/** The backend that stands behind every proxy. */
export function placeBackend(machine: RigMachine, pair: Pair, opamp: string): void {
    machine.copy(opamp, "/usr/local/bin/opamp");
    machine.writeAll({
        "/etc/systemd/system/backend@.service": readFileSync(join(import.meta.dirname, "backend@.service"), "utf8"),
        "/etc/linkmesh-backend/fullchain.pem": pair.certificate,
        "/etc/linkmesh-backend/privkey.pem": pair.key,
    });
}
