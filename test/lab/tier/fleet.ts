import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type Clients, exchange } from "../clients.ts";

/** Between two messages of a session or stream. */
const HEARTBEAT_MS = 4000;
const BETWEEN_REQUESTS_MS = 250;
const BETWEEN_ENROLMENTS_MS = 2000;
/** A client that was cut off comes back within this time, at random, unless it is told when. */
const RETRY_MS = 2000;
/** How many sessions are opened in a second at first. */
const OPENED_A_SECOND = 150;
/** How many collectors share the sessions, of which the others are the service account's. */
const COLLECTORS = 20;

/** A session or stream that echoes. */
interface Line {
    echo(message: Buffer): Promise<Buffer>;
    readonly ended: Promise<unknown>;
    close(): void;
}

/** A client that comes back when it is cut off, as collectors and agents do. It notices nothing but the end of its connection. */
class Member {
    /** When it sent the last message that came back. */
    lastEcho = 0;
    /** How often it was cut off. */
    cut = 0;
    private line: Line | undefined;
    private stopped = false;

    constructor(
        readonly name: string,
        private readonly open: () => Promise<Line>,
        private readonly note: (failure: string) => void,
    ) {}

    async run(): Promise<void> {
        while (!this.stopped) {
            let wait = Math.random() * RETRY_MS;
            try {
                this.line = await this.open();
                await this.talk(this.line);
                this.cut++;
            } catch (error) {
                this.note(String(error));
                const { retryAfter } = error as { retryAfter?: string };
                if (retryAfter !== undefined) wait = Number(retryAfter) * 1000;
            }
            this.line?.close();
            if (!this.stopped) await sleep(wait);
        }
    }

    stop(): void {
        this.stopped = true;
        this.line?.close();
    }

    private async talk(line: Line): Promise<void> {
        let over = false;
        const ended = line.ended.then(() => (over = true));
        while (!over && !this.stopped) {
            const asked = Date.now();
            const message = Buffer.from(`${this.name} ${Math.random()}`);
            const answer = await Promise.race([line.echo(message).catch(() => undefined), ended]);
            if (answer instanceof Buffer && answer.equals(message)) this.lastEcho = asked;
            await Promise.race([ended, sleep(HEARTBEAT_MS * (0.5 + Math.random()))]);
        }
    }
}

interface Bootstrap {
    collectorId: string;
    caCertificate: string;
    certificate: string;
    privateKey: string;
    otlpToken: string;
}

/** Collectors, agents, browsers and enrolments at work on all addresses of the load balancer, and what they met. */
export class Fleet {
    /** How often requests were answered how, as "200" or "503 with Retry-After". */
    readonly answers = new Map<string, number>();
    /** How often connections failed before an answer, and why. */
    readonly failures = new Map<string, number>();
    /** Ids of collectors whose enrolment was answered. */
    readonly enrolled: string[] = [];
    private readonly members: Member[] = [];
    private work: Promise<unknown> = Promise.resolve();
    private stopping = false;
    private cookie = "";

    /** @param clients one for each address of the load balancer */
    constructor(
        private readonly clients: readonly Clients[],
        private readonly token: string,
    ) {}

    /** Opens all, and resolves when each has had an echo. */
    async start({ sessions, streams }: { sessions: number; streams: number }): Promise<void> {
        const headers = this.authorized();
        const { headers: answered } = await this.any(0).http("/api/v1/login", { method: "POST", headers });
        this.cookie = (answered["set-cookie"] as string[])[0]!.split(";")[0]!;
        const collectors = await Promise.all(Array.from({ length: COLLECTORS }, (_, n) => this.enrol(n)));
        const note = (failure: string) => count(this.failures, failure);
        for (let n = 0; n < streams; n++) {
            const collector = collectors[n % collectors.length]!;
            this.members.push(new Member(`stream ${n}`, () => stream(this.any(n), collector), note));
        }
        for (let n = 0; n < sessions; n++) {
            const token = collectors[n]?.otlpToken ?? this.token;
            this.members.push(new Member(`session ${n}`, () => session(this.any(n), token), note));
        }
        const begun = Date.now();
        const run = async (member: Member, n: number) => {
            await sleep((n * 1000) / OPENED_A_SECOND);
            await member.run();
        };
        this.work = Promise.all([
            ...this.members.map(run),
            this.repeat(BETWEEN_REQUESTS_MS, (n) => this.request(n, "/")),
            this.repeat(BETWEEN_REQUESTS_MS, (n) => this.request(n, "/api/v1/info", { Cookie: this.cookie })),
            this.repeat(BETWEEN_ENROLMENTS_MS, (n) => this.enrol(n).catch(() => undefined)),
        ]);
        await this.back(begun, 120);
    }

    /**
     * Waits until each session and stream has had an echo of a message that it sent after this moment.
     * @returns the seconds from then on
     */
    async back(since: number, within = 60): Promise<number> {
        for (;;) {
            const missing = this.members.filter(({ lastEcho }) => lastEcho < since);
            const seconds = (Date.now() - since) / 1000;
            if (missing.length === 0) return seconds;
            const names = missing.slice(0, 5).map(({ name }) => name);
            expect(seconds, `${missing.length} are not back, such as ${names.join(", ")}; ${this.met()}`).toBeLessThan(
                within,
            );
            await sleep(200);
        }
    }

    /** How many sessions and streams were cut off so far, each time counted. */
    get cuts(): number {
        return this.members.reduce((sum, { cut }) => sum + cut, 0);
    }

    /** Forgets what requests have met so far. */
    forget(): void {
        this.answers.clear();
        this.failures.clear();
    }

    met(): string {
        return JSON.stringify({ ...Object.fromEntries(this.answers), ...Object.fromEntries(this.failures) });
    }

    /** Ids of collectors that were told that they are enrolled, and are not. */
    async lost(): Promise<string[]> {
        const { body } = await this.any(0).http("/api/v1/collectors", { headers: this.authorized() });
        const { collectors } = JSON.parse(body) as { collectors: { id: string }[] };
        const known = new Set(collectors.map(({ id }) => id));
        return this.enrolled.filter((id) => !known.has(id));
    }

    /** The status that the browser, which logged in at the start, is answered with. */
    async browser(): Promise<number> {
        const { status } = await this.any(0).http("/api/v1/collectors", { headers: { Cookie: this.cookie } });
        return status;
    }

    async stop(): Promise<void> {
        this.stopping = true;
        for (const member of this.members) member.stop();
        await this.work;
    }

    private any(n: number): Clients {
        return this.clients[n % this.clients.length]!;
    }

    private authorized() {
        return { Authorization: `Bearer ${this.token}` };
    }

    private async enrol(n: number): Promise<Bootstrap> {
        const post = async (path: string, body: object, headers = {}) => {
            const answer = await this.any(n).http(path, { method: "POST", headers, body: JSON.stringify(body) });
            expect(answer.status, answer.body).toBeLessThan(300);
            return JSON.parse(answer.body) as Bootstrap & { token: string };
        };
        const { token } = await post("/api/v1/enrollment-tokens", {}, this.authorized());
        const bootstrap = await post("/api/v1/bootstrap", { token, hostname: `host-${n}` });
        this.enrolled.push(bootstrap.collectorId);
        return bootstrap;
    }

    /** On a connection of its own. */
    private async request(n: number, path: string, headers = {}): Promise<void> {
        try {
            const answer = await this.any(n).http(path, { headers });
            const told = answer.headers["retry-after"] !== undefined;
            count(this.answers, `${answer.status}${told ? " with Retry-After" : ""}`);
        } catch (error) {
            count(this.failures, String(error));
        }
    }

    private async repeat(pauseMs: number, act: (n: number) => Promise<unknown>): Promise<void> {
        for (let n = 0; !this.stopping; n++) {
            await act(n);
            await sleep(pauseMs);
        }
    }
}

function count(all: Map<string, number>, key: string): void {
    all.set(key, (all.get(key) ?? 0) + 1);
}

async function session(clients: Clients, token: string): Promise<Line> {
    const socket = await clients.opamp(token);
    socket.setMaxListeners(0);
    return {
        echo: (message) => exchange(socket, message),
        ended: new Promise((resolve) => socket.once("close", resolve)),
        close: () => socket.terminate(),
    };
}

async function stream(clients: Clients, collector: Bootstrap): Promise<Line> {
    const agent = clients.agentWith(collector);
    const channel = agent.channel();
    const ended = new Promise((resolve) => channel.call.on("error", resolve).on("end", resolve));
    const close = () => (channel.call.cancel(), agent.close());
    try {
        await channel.exchange(Buffer.from("hello"));
    } catch (error) {
        close();
        throw error;
    }
    return { echo: (message) => channel.exchange(message), ended, close };
}
