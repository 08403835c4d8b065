import { type ChildProcess, spawn } from "node:child_process";
import { type Interface, createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../../lab/lab.ts";
import { CLEAN_ENV } from "../../lab/process/exec.ts";
import { CLIENTS, RIG } from "./machine.ts";
import { SOURCES } from "./network.ts";
import { DOMAIN } from "./certificate.ts";
import type { Target } from "./subject.ts";

/** Agents in one process, whose descriptors are limited. */
const AGENTS_PER_PROCESS = 12_500;

/** A process of clients, which answers a line with a report. It ends with this process. */
class Client<Report> {
    readonly #process: ChildProcess;
    readonly #lines: AsyncIterator<string>;
    readonly #reader: Interface;
    #errors = "";

    constructor(opamp: string, args: readonly string[]) {
        this.#process = spawn("ip", ["netns", "exec", CLIENTS, opamp, ...args], {
            stdio: ["pipe", "pipe", "pipe"],
            // By this mark, the next benchmark finds what a killed one left.
            env: { ...CLEAN_ENV, LINKMESH_LAB_DIR: RIG.dir },
        });
        this.#process.stderr!.on("data", (text) => (this.#errors += text));
        this.#process.stdin!.on("error", () => undefined); // The missing answer says more.
        this.#reader = createInterface({ input: this.#process.stdout! });
        this.#lines = this.#reader[Symbol.asyncIterator]();
    }

    async report(): Promise<Report> {
        this.#process.stdin!.write("report\n");
        const { value, done } = (await this.#lines.next()) as IteratorResult<string, unknown>;
        if (done === true) throw new LabError(`the benchmark's clients ended: ${this.#errors.trim() || "no message"}`);
        return JSON.parse(value) as Report;
    }

    async stop(): Promise<void> {
        if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        this.#process.kill("SIGKILL");
        await ended;
    }
}

/** What has become of agents. */
export interface AgentsReport {
    started: number;
    open: number;
    /** Sessions opened so far. */
    opened: number;
    /** Sessions that ended. */
    dropped: number;
    /** Messages from the server, one for each heartbeat. */
    messages: number;
    /** Connections that became no session, by kind: a status such as "503 with Retry-After", or an error. */
    failures: Record<string, number>;
    cpuSeconds: number;
}

export interface AgentsOptions {
    count: number;
    /** Started each second. */
    rate: number;
    /** Source addresses. */
    addresses: number;
    heartbeatSeconds: number;
    /** Whether a refused agent gives up. Otherwise it tries again as opamp-go does. */
    once?: boolean;
}

const to = ({ address, ca }: Target, addresses: number, port = 443) => [
    ...["-address", `${address}:${port}`, "-name", DOMAIN, "-ca", ca],
    ...["-from", SOURCES.first, "-addresses", String(addresses)],
];

/** Real OpAMP agents in as many processes as their descriptors need. */
export class Agents {
    readonly #clients: Client<AgentsReport>[];

    constructor(opamp: string, subject: Target, options: AgentsOptions) {
        const { count, rate, addresses, heartbeatSeconds, once = false } = options;
        const processes = Math.ceil(count / AGENTS_PER_PROCESS);
        this.#clients = Array.from({ length: processes }, (_, index) => {
            const share = Math.floor((count * (index + 1)) / processes) - Math.floor((count * index) / processes);
            return new Client<AgentsReport>(opamp, [
                ...["agents", ...to(subject, addresses), "-count", String(share), "-rate", String(rate / processes)],
                ...["-heartbeat", `${heartbeatSeconds}s`, ...(once ? ["-once", "-refusals", "200"] : [])],
            ]);
        });
    }

    /** Of all processes. */
    async report(): Promise<AgentsReport> {
        const reports = await Promise.all(this.#clients.map((client) => client.report()));
        const sum = (key: Exclude<keyof AgentsReport, "failures">) => reports.reduce((all, one) => all + one[key], 0);
        const failures: Record<string, number> = {};
        for (const report of reports) {
            for (const [kind, count] of Object.entries(report.failures)) failures[kind] = (failures[kind] ?? 0) + count;
        }
        return {
            started: sum("started"),
            open: sum("open"),
            opened: sum("opened"),
            dropped: sum("dropped"),
            messages: sum("messages"),
            failures,
            cpuSeconds: sum("cpuSeconds"),
        };
    }

    /** Waits until so many sessions are open. False if that takes longer. */
    async areOpen(count: number, seconds: number, signal: AbortSignal): Promise<boolean> {
        const deadline = performance.now() + seconds * 1000;
        while ((await this.report()).open < count) {
            if (performance.now() > deadline) return false;
            await sleep(250, undefined, { signal });
        }
        return true;
    }

    async stop(): Promise<void> {
        await Promise.all(this.#clients.map((client) => client.stop()));
    }
}

/** What was asked since the report before; seconds until an answer was complete, if it was a good one. */
export interface AnswersReport {
    p50: number;
    p99: number;
    max: number;
    answers: Record<string, number>;
    cpuSeconds: number;
}

/** Ten browsers that ask for the UI several times a second, each time on a connection of its own. */
export class Browsers extends Client<AnswersReport> {
    constructor(opamp: string, subject: Target) {
        super(opamp, ["browsers", ...to(subject, 10)]);
    }
}

/** Questions at a fixed rate: a handshake each, or requests on connections that stay open. */
export class Load extends Client<AnswersReport> {
    constructor(opamp: string, subject: Target, kind: "handshake" | "https" | "grpc", rate: number, resume = false) {
        const port = kind === "grpc" ? 50051 : 443;
        super(opamp, ["load", ...to(subject, 1, port), "-kind", kind, "-rate", String(rate), `-resume=${resume}`]);
    }
}

/** Readers of live events. Seconds are from LinkMesh's end to theirs. */
export class Listeners extends Client<AnswersReport> {
    constructor(opamp: string, subject: Target) {
        super(opamp, ["listeners", ...to(subject, 1)]);
    }
}

export interface TransferReport {
    seconds: number;
    /** A status or an error. Empty if all has arrived. */
    failure: string;
    cpuSeconds: number;
}

/** Downloads or uploads, one after the other. The report comes at their end. */
export class Transfer extends Client<TransferReport> {
    constructor(opamp: string, subject: Target, bytes: number, times: number, upload: boolean) {
        const sizes = ["-bytes", String(bytes), "-times", String(times), `-upload=${upload}`];
        super(opamp, ["transfer", ...to(subject, 1), ...sizes]);
    }
}
