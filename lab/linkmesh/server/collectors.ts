import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Authority, KeyPair } from "./authority.ts";
import type { Database, StoredRecord } from "./database.ts";

/** Default lifetime of an enrollment token. */
export const DEFAULT_TOKEN_TTL_SECONDS = 15 * 60;

export interface Collector {
    id: string;
    hostname: string;
    /** ISO 8601. */
    enrolledAt: string;
    /** Sessions (OpAMP or gRPC) since its enrollment, across restarts of the server. */
    sessionsTotal: number;
    /** Sessions open now. */
    sessionsOpen: number;
}

/** The owner of a bearer token. */
export type Principal = { kind: "service" } | { kind: "collector"; collector: Collector };

export type Redemption = { outcome: "enrolled"; collector: Collector } | { outcome: "unknown" | "used" | "expired" };

interface EnrollmentToken {
    expiresAt: string;
    collector?: Collector;
}

function digest(token: string): string {
    return createHash("sha256").update(token).digest("hex");
}

function randomToken(prefix: string): string {
    return `${prefix}_${randomBytes(24).toString("base64url")}`;
}

/** Enrolled collectors and their tokens. Everything except the open sessions is in the database. */
export class Collectors {
    /**
     * The token of the service account for tests. It is derived from the secret and the database. It survives restarts
     * and upgrades without being stored in clear text, and changes if either changes.
     */
    readonly serviceToken: string;
    private readonly byId = new Map<string, Collector>();
    private readonly enrollmentTokens = new Map<string, EnrollmentToken>();
    private readonly otlpTokens = new Map<string, Collector>();

    constructor(
        private readonly database: Database,
        private readonly authority: Authority,
        secret: string,
    ) {
        const mac = createHmac("sha256", secret).update(`service account of ${authority.id}`).digest("base64url");
        this.serviceToken = `lmsat_${mac}`;
        for (const record of database.records) this.replay(record);
    }

    list(): Collector[] {
        return [...this.byId.values()];
    }

    get(id: string): Collector | undefined {
        return this.byId.get(id);
    }

    authenticate(token: string): Principal | undefined {
        const collector = this.otlpTokens.get(digest(token));
        if (collector) return { kind: "collector", collector };
        // Compares digests, so that the time of a comparison reveals nothing about the token.
        return digest(token) === digest(this.serviceToken) ? { kind: "service" } : undefined;
    }

    /** Makes a new single-use token. */
    mint(ttlSeconds: number): { token: string; expiresAt: string } {
        const token = randomToken("lmenr");
        const expiresAt = new Date(Date.now() + ttlSeconds * 1000).toISOString();
        this.record({ type: "token", hash: digest(token), expiresAt }, { durable: true });
        return { token, expiresAt };
    }

    /** Enrols a collector and uses up its enrollment token. */
    redeem(token: string, hostname: string): Redemption {
        const known = this.enrollmentTokens.get(digest(token));
        if (!known) return { outcome: "unknown" };
        if (known.collector) return { outcome: "used" };
        if (Date.parse(known.expiresAt) <= Date.now()) return { outcome: "expired" };
        const id = `col_${randomBytes(8).toString("hex")}`;
        const enrolledAt = new Date().toISOString();
        this.record({ type: "collector", id, hostname, enrolledAt, token: digest(token) }, { durable: true });
        return { outcome: "enrolled", collector: this.byId.get(id)! };
    }

    /** Issues a client certificate and an OTLP bearer token for a collector. */
    async issueCredentials(collector: Collector): Promise<KeyPair & { otlpToken: string }> {
        const otlpToken = randomToken("lmotlp");
        this.record({ type: "otlp-token", collector: collector.id, hash: digest(otlpToken) }, { durable: true });
        return { ...(await this.authority.issueClient(collector.id)), otlpToken };
    }

    /** The collector that redeemed an enrollment token. An OpAMP supervisor reconnects with its first token. */
    enrolledWith(token: string): Collector | undefined {
        return this.enrollmentTokens.get(digest(token))?.collector;
    }

    /** Counts an open session until the returned function is called. */
    openSession(collector: Collector): () => void {
        this.record({ type: "session", collector: collector.id, at: new Date().toISOString() }, { durable: false });
        collector.sessionsOpen++;
        return () => collector.sessionsOpen--;
    }

    private record(record: StoredRecord, options: { durable: boolean }): void {
        this.database.append(record, options);
        this.replay(record);
    }

    private replay(record: StoredRecord): void {
        const text = (key: string) => String(record[key]);
        if (record.type === "token") {
            this.enrollmentTokens.set(text("hash"), { expiresAt: text("expiresAt") });
        } else if (record.type === "collector") {
            const [id, hostname, enrolledAt] = [text("id"), text("hostname"), text("enrolledAt")];
            const collector: Collector = { id, hostname, enrolledAt, sessionsTotal: 0, sessionsOpen: 0 };
            this.byId.set(id, collector);
            const token = this.enrollmentTokens.get(text("token"));
            if (token) token.collector = collector;
        } else if (record.type === "otlp-token") {
            const collector = this.byId.get(text("collector"));
            if (collector) this.otlpTokens.set(text("hash"), collector);
        } else if (record.type === "session") {
            const collector = this.byId.get(text("collector"));
            if (collector) collector.sessionsTotal++;
        }
    }
}
