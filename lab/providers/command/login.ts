import net from "node:net";
import type { Duplex } from "node:stream";
import sshpk from "sshpk";
import ssh2 from "ssh2";
import { ProviderError } from "../provider.ts";
import type { Connection } from "./connection.ts";

/** Time limit in seconds where the real provider has none and ignores Ctrl-C. */
const PATIENCE = 300;

/** The parsed keys of a connection. */
export interface Login {
    privateKey?: string;
    hostKey?: ssh2.ParsedKey;
}

/** @throws ProviderError if a retry cannot help */
export async function readLogin(connection: Connection): Promise<Login> {
    const { hostKey, privateKey, privateKeyPassword, agentSocketPath } = connection;
    const login: Login = {};
    if (hostKey !== undefined) {
        const key = ssh2.utils.parseKey(hostKey.trim());
        if (key instanceof Error)
            throw new ProviderError(`failed to parse host key: ssh: no key found; ${key.message}`);
        login.hostKey = key;
    }
    if (privateKey !== undefined) {
        try {
            login.privateKey = readableKey(privateKey);
        } catch {
            throw new ProviderError("ssh: no key found");
        }
        const key = ssh2.utils.parseKey(login.privateKey, privateKeyPassword);
        if (key instanceof Error) throw new ProviderError(`ssh: no key found: ${key.message}`);
    }
    if (agentSocketPath !== undefined) await dialAgent(agentSocketPath);
    return login;
}

/** Converts PKCS #8, OpenSSL's format, which the real provider reads and ssh2 does not. */
function readableKey(text: string): string {
    if (!text.includes("-----BEGIN PRIVATE KEY-----")) return text;
    return sshpk.parsePrivateKey(text, "pem").toString("openssh");
}

/** Dials the agent first, as the real provider does, even if there is a key and the agent is not needed. */
async function dialAgent(path: string): Promise<void> {
    const socket = net.connect(path);
    try {
        await opened(socket);
    } catch (error) {
        throw new ProviderError(`dial unix ${path}: ${goText(error as NodeJS.ErrnoException)}`);
    } finally {
        socket.destroy();
    }
}

/** Opens a TCP connection, with the time limit for one attempt. */
export async function connect(connection: Connection, second: number): Promise<net.Socket> {
    const { host, port, perDialTimeout } = connection;
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    // Without noDelay a step takes 300 ms instead of 55.
    const socket = net.connect({ host, port, noDelay: true });
    const timer =
        perDialTimeout > 0
            ? setTimeout(() => socket.destroy(new Error("i/o timeout")), perDialTimeout * second)
            : undefined;
    try {
        await opened(socket);
        return socket;
    } catch (error) {
        const { code = "", message } = error as NodeJS.ErrnoException;
        if (["ENOTFOUND", "EAI_AGAIN"].includes(code)) throw new Error(`dial tcp: lookup ${host}: no such host`);
        throw new Error(`dial tcp ${address}: ${code === "" ? message : goText(error as NodeJS.ErrnoException)}`);
    } finally {
        clearTimeout(timer);
    }
}

function opened(socket: net.Socket): Promise<void> {
    return new Promise((resolve, reject) => {
        socket.once("connect", resolve);
        // `on`, not `once`: an error without a listener ends the process.
        socket.on("error", reject);
    });
}

const GO_TEXTS: Record<string, string> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ENOENT: "connect: no such file or directory",
    ENOTSOCK: "connect: socket operation on non-socket",
    EACCES: "connect: permission denied",
    ETIMEDOUT: "connect: connection timed out",
};

function goText({ code = "", message }: NodeJS.ErrnoException): string {
    return GO_TEXTS[code] ?? message;
}

/** Reasons for a refused channel, from RFC 4254. */
const REFUSALS: Record<number, string> = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
};

/** Connects from the bastion to the host. Has no limit per attempt: the bastion's kernel gives up after 135 seconds. */
export function forward(bastion: ssh2.Client, { host, port }: Connection, second: number): Promise<Duplex> {
    const channel = new Promise<Duplex>((resolve, reject) => {
        bastion.forwardOut("127.0.0.1", 0, host, port, (error: Refusal | undefined, stream) => {
            if (!error) return resolve(stream);
            const reason = REFUSALS[Number(error.reason)];
            const text = error.message.replace("(SSH) Channel open failure: ", "");
            reject(new Error(reason ? `ssh: rejected: ${reason} (${text})` : "EOF"));
        });
    });
    return withPatience(channel, second, `the bastion does not answer whether it can reach ${host}:${port}`);
}

interface Refusal extends Error {
    reason?: number | string;
}

/** Handshake and login. As in the real provider, neither has a time limit, even if the server stays silent. */
export function logIn(connection: Connection, login: Login, stream: Duplex, second: number): Promise<ssh2.Client> {
    const { host, port } = connection;
    const client = new ssh2.Client();
    const ready = handshake(client, connection, login, stream);
    return withPatience(ready, second, `${host}:${port} accepts the connection and stays silent`).catch(
        (error: unknown) => {
            client.destroy();
            stream.destroy();
            throw error;
        },
    );
}

function handshake(client: ssh2.Client, connection: Connection, { privateKey, hostKey }: Login, stream: Duplex) {
    let isForged = false;
    return new Promise<ssh2.Client>((resolve, reject) => {
        const fail = (error: Fault) =>
            reject(new Error(`ssh: handshake failed: ${isForged ? "ssh: host key mismatch" : handshakeText(error)}`));
        // Both may report the same fault, and more than once. An error without a listener ends the process.
        stream.on("error", fail);
        client.on("error", fail);
        client.once("close", () => fail(new Error("EOF")));
        // The client does not notice the end of a channel through a bastion.
        stream.once("end", () => fail(new Error("EOF")));
        client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
            finish(prompts.map(() => connection.password ?? "")),
        );
        client.once("ready", () => resolve(client));
        client.connect({
            sock: stream,
            username: connection.user,
            privateKey,
            passphrase: connection.privateKeyPassword,
            password: connection.password,
            tryKeyboard: connection.password !== undefined,
            // If there is a key, the real provider does not use the agent's keys.
            agent: privateKey === undefined ? connection.agentSocketPath : undefined,
            readyTimeout: 0,
            ...(hostKey && {
                algorithms: { serverHostKey: [hostKey.type] },
                hostVerifier(key: Buffer) {
                    isForged = !key.equals(hostKey.getPublicSSH());
                    return !isForged;
                },
            }),
        });
    });
}

interface Fault extends NodeJS.ErrnoException {
    level?: string;
}

function handshakeText({ level, code, message }: Fault): string {
    if (level === "client-authentication")
        return "ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain";
    if (message.includes("host key format")) return "ssh: no common algorithm for host key";
    return code === "ECONNRESET" ? "read: connection reset by peer" : "EOF";
}

/** Fails with a reason where the real provider waits forever. */
async function withPatience<T>(work: Promise<T>, second: number, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        const sentence = `${what}: the command provider 1.2.1 has no time limit here, keeps waiting, and ignores Ctrl-C`;
        timer = setTimeout(() => reject(new ProviderError(sentence)), PATIENCE * second);
    });
    try {
        return await Promise.race([work, late]);
    } finally {
        clearTimeout(timer);
    }
}
