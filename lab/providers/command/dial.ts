import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type ssh2 from "ssh2";
import { ProviderError } from "../provider.ts";
import type { Connection } from "./connection.ts";
import { type Login, connect, forward, logIn, readLogin } from "./login.ts";

// The values of Pulumi's retry.Until, in seconds.
const FIRST_DELAY = 0.1;
const BACKOFF = 1.5;
const LONGEST_DELAY = 5;

export interface DialOptions {
    /** Stops further attempts. An attempt in progress goes on. */
    signal: AbortSignal;
    /** Called for each failed attempt that will be retried. */
    onRetry?: (message: string) => void;
    /** How many milliseconds a second lasts. Default: 1000. Tests use less. */
    second?: number;
    /** Waits between two attempts and rejects when the signal aborts. Tests do not wait. */
    pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** An open SSH connection. */
export interface Dialled {
    client: ssh2.Client;
    /** Ends the connection and the bastion's connection. */
    close(): void;
}

/**
 * Connects and logs in as the real provider does, with its messages. It retries everything, even after a wrong host
 * key, and makes one attempt more than the limit. An unreadable key and an agent that does not answer are final.
 */
export async function dial(connection: Connection, options: DialOptions): Promise<Dialled> {
    const second = options.second ?? 1000;
    const login = await readLogin(connection);
    const { proxy, dialErrorLimit } = connection;
    if (!proxy) {
        const client = await withRetries("Dial", dialErrorLimit, options, () => dialHost(connection, login, second));
        return { client, close: () => void client.end() };
    }
    return throughBastion(async () => {
        const key = await readLogin(proxy);
        const dialBastion = () => dialHost(proxy, key, second);
        const bastion = await withRetries("Dial proxy", proxy.dialErrorLimit, options, dialBastion);
        try {
            const open = () => forward(bastion, connection, second);
            const channel = await withRetries("Dial from proxy", dialErrorLimit, options, open);
            const shake = once(() => logIn(connection, login, channel, second));
            const client = await withRetries("Dial", dialErrorLimit, options, shake);
            return {
                client,
                close() {
                    client.end();
                    bastion.end();
                },
            };
        } catch (error) {
            bastion.end();
            throw error;
        }
    });
}

async function dialHost(connection: Connection, login: Login, second: number): Promise<ssh2.Client> {
    return logIn(connection, login, await connect(connection, second), second);
}

/** Fails from the second attempt on: the real provider retries on a bastion's channel that the first one has closed. */
function once<T>(attempt: () => Promise<T>): () => Promise<T> {
    let first = true;
    return async () => {
        if (!first) throw new Error("ssh: handshake failed: EOF");
        first = false;
        return attempt();
    };
}

async function throughBastion<T>(work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (error) {
        throw error instanceof ProviderError ? new ProviderError(`proxy: ${error.message}`) : error;
    }
}

async function withRetries<T extends ssh2.Client | Duplex>(
    what: string,
    limit: number,
    { signal, onRetry, second = 1000, pause = sleepFor }: DialOptions,
    attempt: () => Promise<T>,
): Promise<T> {
    let delay = FIRST_DELAY;
    for (let failed = 0; ; failed++) {
        try {
            return await attempt();
        } catch (error) {
            if (error instanceof ProviderError) throw error;
            const reason = (error as Error).message;
            if (limit > -1 && failed >= limit) throw new ProviderError(`after ${failed} failed attempts: ${reason}`);
            onRetry?.(`${what} ${failed + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
        }
        await pause(delay * second, signal).catch(() => {
            throw new ProviderError(outOfTime(signal) ? "context deadline exceeded" : "context canceled");
        });
        delay = Math.min(delay * BACKOFF, LONGEST_DELAY);
    }
}

const sleepFor = (milliseconds: number, signal: AbortSignal) => sleep(milliseconds, undefined, { signal });

function outOfTime({ reason }: AbortSignal): boolean {
    return reason instanceof DOMException && reason.name === "TimeoutError";
}
