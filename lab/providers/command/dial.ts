import net from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import sshpk from "sshpk";
import ssh2 from "ssh2";
import { ProviderError } from "../provider.ts";
import type { Connection } from "./connection.ts";

const FIRST_DELAY_MS = 100;
const BACKOFF = 1.5;
const LONGEST_DELAY_MS = 5_000;

export interface DialOptions {
    signal: AbortSignal;
    /** Told about each attempt that failed and will be repeated. */
    onRetry?: (message: string) => void;
}

/** An open SSH connection. */
export interface Dialled {
    client: ssh2.Client;
    /** Ends the connection, and that of the bastion. */
    close(): void;
}

/**
 * Connects and logs in, trying again until it works, the limit is reached or the signal aborts. Everything up to the
 * login counts as an attempt, as sshd may answer before cloud-init has made the user. A wrong host key is final.
 */
export async function dial(connection: Connection, { signal, onRetry }: DialOptions): Promise<Dialled> {
    let delay = FIRST_DELAY_MS;
    for (let attempt = 1; ; attempt++) {
        signal.throwIfAborted();
        try {
            return await dialOnce(connection, signal);
        } catch (error) {
            if (signal.aborted || error instanceof ProviderError) throw error;
            const reason = `dial ${connection.host}:${connection.port}: ${error instanceof Error ? error.message || String(error) : String(error)}`;
            if (connection.dialErrorLimit > -1 && attempt >= connection.dialErrorLimit) {
                throw new ProviderError(`after ${attempt} failed attempts: ${reason}`);
            }
            onRetry?.(`${reason} (attempt ${attempt}, trying again)`);
        }
        await sleep(delay, undefined, { signal });
        delay = Math.min(delay * BACKOFF, LONGEST_DELAY_MS);
    }
}

async function dialOnce(connection: Connection, signal: AbortSignal): Promise<Dialled> {
    const timeout = connection.perDialTimeout * 1000;
    if (!connection.proxy) {
        // Without noDelay a step takes 300 ms instead of 55.
        const socket = net.connect({ host: connection.host, port: connection.port, noDelay: true });
        const client = await login(connection, socket, timeout, signal);
        return { client, close: () => void client.end() };
    }
    const { host, port } = connection.proxy;
    const bastion = await dialOnce(connection.proxy, signal).catch((error: unknown) => {
        if (signal.aborted || error instanceof ProviderError) throw error;
        throw new Error(`bastion ${host}:${port}: ${(error as Error).message || String(error)}`);
    });
    try {
        const channel = await forward(bastion.client, connection, timeout, signal);
        const client = await login(connection, channel, timeout, signal);
        return {
            client,
            close() {
                client.end();
                bastion.close();
            },
        };
    } catch (error) {
        bastion.close();
        throw error;
    }
}

/** A bastion tries for minutes to reach a host that drops packets. */
function forward(
    client: ssh2.Client,
    { host, port }: Connection,
    timeout: number,
    signal: AbortSignal,
): Promise<Duplex> {
    const limit = timeout > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : signal;
    return new Promise((resolve, reject) => {
        const onAbort = () => reject(signal.aborted ? (signal.reason as Error) : new Error("timed out"));
        limit.addEventListener("abort", onAbort, { once: true });
        client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
    });
}

function login(connection: Connection, stream: Duplex, timeout: number, signal: AbortSignal): Promise<ssh2.Client> {
    const client = new ssh2.Client();
    const pin = connection.hostKey === undefined ? undefined : parseHostKey(connection.hostKey);
    let isForged = false;
    return new Promise((resolve, reject) => {
        const give = (error: Error) => {
            done();
            client.destroy();
            stream.destroy();
            reject(isForged ? forged(connection) : error);
        };
        const onAbort = () => give(signal.reason as Error);
        const timer = timeout > 0 ? setTimeout(() => give(new Error("timed out")), timeout) : undefined;
        const done = () => {
            clearTimeout(timer);
            signal.removeEventListener("abort", onAbort);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        // Both may report the same fault, and more than once: an error without a listener would end the process.
        stream.on("error", give);
        client.on("error", give);
        client.once("close", () => give(new Error("the connection was closed before the login")));
        client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
            finish(prompts.map(() => connection.password ?? "")),
        );
        client.once("ready", () => {
            done();
            resolve(client);
        });
        try {
            client.connect({
                sock: stream,
                username: connection.user,
                privateKey: readableKey(connection.privateKey),
                passphrase: connection.privateKeyPassword,
                password: connection.password,
                tryKeyboard: connection.password !== undefined,
                agent: connection.agentSocketPath,
                readyTimeout: timeout,
                ...(pin && {
                    algorithms: { serverHostKey: [pin.type] },
                    hostVerifier(key: Buffer) {
                        isForged = !key.equals(pin.getPublicSSH());
                        return !isForged;
                    },
                }),
            });
        } catch (error) {
            // ssh2 refuses an unreadable private key here; another attempt would not help.
            give(new ProviderError(`connection to ${connection.host}: ${(error as Error).message}`));
        }
    });
}

/** ssh2 does not read PKCS #8, the form of OpenSSL, which the real provider does. */
function readableKey(text: string | undefined): string | undefined {
    if (!text?.includes("-----BEGIN PRIVATE KEY-----")) return text;
    return sshpk.parsePrivateKey(text, "pem").toString("openssh");
}

function parseHostKey(line: string): ssh2.ParsedKey {
    const key = ssh2.utils.parseKey(line.trim());
    if (key instanceof Error)
        throw new ProviderError(`connection.hostKey is no public key in authorized_keys form: ${key.message}`);
    return key;
}

function forged({ host, port }: Connection): ProviderError {
    return new ProviderError(
        `the host key of ${host}:${port} is not the one in connection.hostKey: another machine answers there, or this one has new keys`,
    );
}
