import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Authority, KeyPair } from "./authority.ts";
import type { Database, StoredRecord } from "./database.ts";
import { log } from "./log.ts";

/** Default lifetime of an enrollment token. */
export const DEFAULT_TOKEN_TTL_SECONDS = 15 * 60;

/** How long a browser stays logged in. */
const UI_SESSION_SECONDS = 12 * 60 * 60;

export interface Collector {
    id: string;
    hostname: string;
    /** ISO 8601. */
    enrolledAt: string;
}

export interface CollectorStatus extends Collector {
    /** Sessions (OpAMP or gRPC) since its enrollment, across restarts of the server and of all instances. */
    sessionsTotal: number;
    /** Sessions open now with this instance. */
    sessionsOpen: number;
}

/** The owner of a bearer token. */
export type Principal = { kind: "service" } | { kind: "collector"; collector: Collector };

export type Redemption = { outcome: "enrolled"; collector: Collector } | { outcome: "unknown" | "used" | "expired" };

function digest(token: string): string {
    return createHash("sha256").update(token).digest("hex");
}

function randomToken(prefix: string): string {
    return `${prefix}_${randomBytes(24).toString("base64url")}`;
}

function collectorOf({ id, hostname, enrolledAt }: StoredRecord): Collector {
    return { id: String(id), hostname: String(hostname), enrolledAt: String(enrolledAt) };
}

function isOver({ expiresAt }: StoredRecord): boolean {
    return Date.parse(String(expiresAt)) <= Date.now();
}

/** Enrolled collectors, tokens and logins. Everything except the open sessions is in the database. */
export class Collectors {
    /**
     * The token of the service account for tests. It is derived from the secret and the database. It survives restarts
     * and upgrades without being stored in clear text, and changes if either changes.
     */
    readonly serviceToken: string;
    /** Open sessions by the collector's id. */
    private readonly open = new Map<string, number>();

    constructor(
        private readonly database: Database,
        private readonly authority: Authority,
        secret: string,
    ) {
        const mac = createHmac("sha256", secret).update(`service account of ${authority.id}`).digest("base64url");
        this.serviceToken = `lmsat_${mac}`;
    }

    async list(): Promise<CollectorStatus[]> {
        const totals = await this.database.count("session", "collector");
        return (await this.database.find("collector")).map(collectorOf).map((collector) => ({
            ...collector,
            sessionsTotal: totals.get(collector.id) ?? 0,
            sessionsOpen: this.open.get(collector.id) ?? 0,
        }));
    }

    async get(id: string): Promise<Collector | undefined> {
        const [record] = await this.database.find("collector", "id", id);
        return record && collectorOf(record);
    }

    async authenticate(token: string): Promise<Principal | undefined> {
        // Compares digests, so that the time of a comparison reveals nothing about the token.
        if (digest(token) === digest(this.serviceToken)) return { kind: "service" };
        const [owner] = await this.database.find("otlp-token", "hash", digest(token));
        const collector = owner && (await this.get(String(owner.collector)));
        return collector && { kind: "collector", collector };
    }

    /** Makes a new single-use token. */
    async mint(ttlSeconds: number): Promise<{ token: string; expiresAt: string }> {
        const token = randomToken("lmenr");
        const expiresAt = new Date(Date.now() + ttlSeconds * 1000).toISOString();
        await this.database.add({ type: "token", hash: digest(token), expiresAt }, { durable: true });
        return { token, expiresAt };
    }

    /** Enrols a collector and uses up its enrollment token. */
    async redeem(token: string, hostname: string): Promise<Redemption> {
        const [known] = await this.database.find("token", "hash", digest(token));
        if (!known) return { outcome: "unknown" };
        if (await this.enrolledWith(token)) return { outcome: "used" };
        if (isOver(known)) return { outcome: "expired" };
        const collector = {
            id: `col_${randomBytes(8).toString("hex")}`,
            hostname,
            enrolledAt: new Date().toISOString(),
        };
        const isFirst = await this.database.add(
            { type: "collector", ...collector, token: digest(token) },
            { durable: true },
        );
        return isFirst ? { outcome: "enrolled", collector } : { outcome: "used" };
    }

    /** Issues a client certificate and an OTLP bearer token for a collector. */
    async issueCredentials(collector: Collector): Promise<KeyPair & { otlpToken: string }> {
        const otlpToken = randomToken("lmotlp");
        await this.database.add(
            { type: "otlp-token", collector: collector.id, hash: digest(otlpToken) },
            { durable: true },
        );
        return { ...(await this.authority.issueClient(collector.id)), otlpToken };
    }

    /** The collector that redeemed an enrollment token. An OpAMP supervisor reconnects with its first token. */
    async enrolledWith(token: string): Promise<Collector | undefined> {
        const [record] = await this.database.find("collector", "token", digest(token));
        return record && collectorOf(record);
    }

    /** Counts an open session until the returned function is called. */
    openSession({ id }: Collector): () => void {
        this.database
            .add({ type: "session", collector: id, at: new Date().toISOString() }, { durable: false })
            .catch((error: Error) => log.warn(`the session of ${id} is not counted: ${error.message}`));
        const change = (by: number) => this.open.set(id, (this.open.get(id) ?? 0) + by);
        change(1);
        return () => change(-1);
    }

    /** Logs a browser in. */
    async openUiSession(): Promise<{ cookie: string; maxAge: number }> {
        const cookie = randomToken("lmui");
        const expiresAt = new Date(Date.now() + UI_SESSION_SECONDS * 1000).toISOString();
        await this.database.add({ type: "ui-session", hash: digest(cookie), expiresAt }, { durable: true });
        return { cookie, maxAge: UI_SESSION_SECONDS };
    }

    async isUiSession(cookie: string): Promise<boolean> {
        const [record] = await this.database.find("ui-session", "hash", digest(cookie));
        return record !== undefined && !isOver(record);
    }
}
