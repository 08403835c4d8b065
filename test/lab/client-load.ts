import { setTimeout as sleep } from "node:timers/promises";
import { type Clients, exchange } from "./clients.ts";

const BROWSERS = 10;
const BETWEEN_REQUESTS_MS = 20;
const BETWEEN_MESSAGES_MS = 250;
/** Time limit for an answer, long enough for a busy machine. */
const ANSWER_MS = 60_000;

/** A session or stream that echoes each message. */
type Echo = (message: Buffer) => Promise<Buffer>;

/** Real clients at work on all endpoints, and what went wrong for them. */
export class Load {
    requests = 0;
    /** Requests without the answer 200. */
    readonly failed: string[] = [];
    /** Sessions and streams that ended or did not echo a message, with the first event. */
    readonly dropped = new Map<string, string>();
    private readonly echoes: { name: string; echo: Echo }[] = [];
    private readonly closers: (() => void)[] = [];
    private work: Promise<unknown> = Promise.resolve();
    private stopping = false;

    constructor(
        private readonly clients: Clients,
        private readonly token: string,
    ) {}

    /** Opens the sessions and streams, and keeps all of them and the https clients busy until {@link stop}. */
    async start(options: { sessions: number; streams: number }): Promise<void> {
        for (let n = 1; n <= options.sessions; n++) {
            const socket = await this.clients.opamp(this.token);
            this.echoes.push({ name: `session ${n}`, echo: (message) => exchange(socket, message) });
            this.closers.push(() => socket.terminate());
        }
        const { bootstrap, agent } = await this.clients.enrolledAgent(this.token);
        agent.close();
        for (let n = 1; n <= options.streams; n++) {
            // A connection of its own for each stream.
            const connection = this.clients.agentWith(bootstrap);
            const channel = connection.channel();
            this.echoes.push({ name: `stream ${n}`, echo: (message) => channel.exchange(message) });
            this.closers.push(() => (channel.call.cancel(), connection.close()));
        }
        const talks = this.echoes.map(({ name, echo }) => this.repeat(BETWEEN_MESSAGES_MS, () => this.say(name, echo)));
        const browsers = Array.from({ length: BROWSERS }, () => this.repeat(BETWEEN_REQUESTS_MS, () => this.ask()));
        this.work = Promise.all([...talks, ...browsers]);
    }

    async requestsMade(count: number): Promise<void> {
        while (this.requests < count) await sleep(20);
    }

    /** Ends with a last message on every session and stream. Returns how many echo it. */
    async stop(): Promise<number> {
        this.stopping = true;
        await this.work;
        const open = this.echoes.filter(({ name }) => !this.dropped.has(name));
        const echoed = await Promise.all(open.map(({ name, echo }) => this.say(name, echo)));
        for (const close of this.closers) close();
        return echoed.filter(Boolean).length;
    }

    private async repeat(pauseMs: number, act: () => Promise<boolean>): Promise<void> {
        while (!this.stopping && (await act())) await sleep(pauseMs);
    }

    /** False when it is dropped, which ends its talk. */
    private async say(name: string, echo: Echo): Promise<boolean> {
        try {
            const message = Buffer.from(`${name} ${Math.random()}`);
            const answer = await Promise.race([echo(message), sleep(ANSWER_MS, undefined, { ref: false })]);
            if (answer?.equals(message)) return true;
            this.dropped.set(name, answer ? "another message" : "no echo");
        } catch (error) {
            this.dropped.set(name, String(error));
        }
        return false;
    }

    /** A request on a connection of its own, with a handshake of its own. */
    private async ask(): Promise<boolean> {
        try {
            const { status } = await this.clients.http("/");
            if (status !== 200) this.failed.push(`status ${status}`);
        } catch (error) {
            this.failed.push(String(error));
        }
        this.requests++;
        return true;
    }
}
