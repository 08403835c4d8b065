import net, { type AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { onTestFinished } from "vitest";
import type { Connection } from "../../lab/providers/command/connection.ts";
import { type KeyTexts, generateKey } from "../../lab/providers/tls/keys.ts";

/** An SSH server on loopback that lets one user in with any key, and a connection to it. */
export interface TestServer {
    connection: Connection;
    /** How many connections it has taken. */
    taken: () => number;
}

export interface Behaviour {
    /** Answers a request for a connection from here on. By default it is never answered. */
    onward?: (accept: () => ssh2.ServerChannel, reject: () => void, port: number) => void;
    /** Runs a command. */
    exec?: (channel: ssh2.ServerChannel, command: string, client: ssh2.Connection) => void;
}

let key: Promise<KeyTexts> | undefined;
/** One key pair for host and user, as each costs time. */
export const testKey = () => (key ??= generateKey({ algorithm: "ED25519" }));

export async function sshServer({ onward, exec }: Behaviour = {}): Promise<TestServer> {
    const { privateKeyOpenssh, publicKeyOpenssh } = await testKey();
    let taken = 0;
    const clients = new Set<ssh2.Connection>();
    const server = new ssh2.Server({ hostKeys: [privateKeyOpenssh] }, (client) => {
        taken++;
        clients.add(client);
        client.on("authentication", (attempt) => (attempt.username === "in" ? attempt.accept() : attempt.reject()));
        client.on("error", () => undefined);
        client.on("tcpip", (accept, reject, { destPort }) => onward?.(accept, reject, destPort));
        client.on("session", (accept) => {
            const session = accept();
            session.on("env", (acceptIt) => acceptIt?.());
            session.on("exec", (start, _refuse, { command }) => exec?.(start(), command, client));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
        for (const client of clients) client.end();
        server.close();
    });
    return {
        taken: () => taken,
        connection: {
            host: "127.0.0.1",
            port: (server.address() as AddressInfo).port,
            user: "in",
            privateKey: privateKeyOpenssh,
            hostKey: publicKeyOpenssh,
            dialErrorLimit: 3,
            perDialTimeout: 15,
        },
    };
}

/** Leads on as sshd does, to ports of this machine. */
export const leadsOn: Behaviour["onward"] = (accept, reject, port) => {
    const socket = net.connect(port, "127.0.0.1", () => {
        const channel = accept();
        channel.pipe(socket).pipe(channel);
        channel.on("error", () => undefined);
    });
    socket.on("error", reject);
};

/** A TCP server on loopback. */
export async function tcpServer(onConnection: (socket: net.Socket) => void, path?: string): Promise<number> {
    const server = net.createServer((socket) => {
        socket.on("error", () => undefined);
        onConnection(socket);
        onTestFinished(() => void socket.destroy());
    });
    await new Promise<void>((resolve) =>
        path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve),
    );
    onTestFinished(() => void server.close());
    return path === undefined ? (server.address() as AddressInfo).port : 0;
}
