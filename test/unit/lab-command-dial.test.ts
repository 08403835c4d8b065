import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Connection, checkConnection, toConnection } from "../../lab/providers/command/connection.ts";
import { type DialOptions, dial } from "../../lab/providers/command/dial.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { leadsOn, sshServer, tcpServer, testKey } from "./ssh-servers.ts";

// The words and numbers of pulumi-resource-command 1.2.1, against which the same cases were run.

/** The pauses between attempts, in milliseconds. */
const waited: number[] = [];
const pause = (milliseconds: number, { aborted }: AbortSignal) => {
    waited.push(milliseconds);
    return aborted ? Promise.reject(new Error("aborted")) : Promise.resolve();
};

const retries: string[] = [];
beforeEach(() => {
    waited.length = retries.length = 0;
});

/** The error of a dial in which a second lasts 10 milliseconds. */
async function fails(connection: Connection, options: Partial<DialOptions> = {}): Promise<string> {
    const signal = new AbortController().signal;
    const onRetry = (message: string) => retries.push(message);
    try {
        (await dial(connection, { signal, onRetry, second: 10, pause, ...options })).close();
    } catch (error) {
        return (error as Error).message;
    }
    throw new Error("it has connected");
}

const CLOSED: Connection = { host: "127.0.0.1", port: 1, user: "in", dialErrorLimit: 3, perDialTimeout: 15 };
const REFUSED = "dial tcp 127.0.0.1:1: connect: connection refused";
const another = async () => (await generateKey({ algorithm: "ED25519" })).publicKeyOpenssh;

describe("the stand-in's attempts", () => {
    it("are one more than the limit", async () => {
        let dials = 0;
        const port = await tcpServer((socket) => {
            dials++;
            socket.destroy();
        });
        expect(await fails({ ...CLOSED, port })).toMatch(/^after 3 failed attempts: ssh: handshake failed: /);
        expect(dials).toBe(4);
        expect(retries).toEqual([1, 2, 3].map((n) => `Dial ${n}/3 failed: retrying`));
    });

    it("wait 0.1 seconds first, then half as long again each time, up to 5", async () => {
        expect(await fails({ ...CLOSED, dialErrorLimit: 12 }, { second: 1000 })).toBe(
            `after 12 failed attempts: ${REFUSED}`,
        );
        expect(waited.map(Math.round)).toEqual([100, 150, 225, 338, 506, 759, 1139, 1709, 2563, 3844, 5000, 5000]);
    });

    it("each have a time limit if packets are dropped", async () => {
        vi.spyOn(net, "connect").mockImplementation(() => new net.Socket());
        onTestFinished(() => void vi.restoreAllMocks());
        expect(await fails(CLOSED)).toBe("after 3 failed attempts: dial tcp 127.0.0.1:1: i/o timeout");
    });

    it.each([
        ["cancelled", "context canceled", () => AbortSignal.abort()],
        ["out of time", "context deadline exceeded", () => AbortSignal.timeout(1)],
    ])("end between two of them when %s", async (_, text, signal) => {
        const unlimited = { ...CLOSED, dialErrorLimit: -1 };
        expect(await fails(unlimited, { signal: signal() })).toBe(text);
        expect(retries[0]).toBe("Dial 1/inf failed: retrying");
        const bastion = { ...CLOSED, proxy: unlimited };
        expect(await fails(bastion, { signal: signal() })).toBe(`proxy: ${text}`);
    });

    it("are repeated after a wrong host key and after a refused key", async () => {
        const { connection, taken } = await sshServer();
        expect(await fails({ ...connection, hostKey: await another() })).toBe(
            "after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        );
        expect(taken()).toBe(4);
        expect(await fails({ ...connection, user: "out" })).toBe(
            "after 3 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
        );
        expect(taken()).toBe(8);
    });

    it.each([
        ["a private key that is none", { privateKey: "-----BEGIN PRIVATE KEY-----" }, /^ssh: no key found/],
        ["a host key that is none", { hostKey: "ssh-ed25519 AAA" }, /^failed to parse host key: /],
    ])("are not made for %s", async (_, differs, text) => {
        expect(await fails({ ...CLOSED, ...differs })).toMatch(text);
        expect(await fails({ ...CLOSED, proxy: { ...CLOSED, ...differs } })).toMatch(/^proxy: /);
        expect(retries).toEqual([]);
    });

    it("fail for a silent server, where the real provider waits forever", async () => {
        const port = await tcpServer(() => undefined);
        expect(await fails({ ...CLOSED, port }, { second: 1 })).toMatch(
            /^127\.0\.0\.1:\d+ accepts the connection and stays silent: the command provider 1\.2\.1 has no time limit here/,
        );
    });

    it("accept a key in PKCS #8 format", async () => {
        const { connection } = await sshServer();
        const login = { ...connection, privateKey: (await testKey()).privateKeyPemPkcs8 };
        (await dial(login, { signal: new AbortController().signal })).close();
    });
});

describe("the stand-in's attempts through a bastion", () => {
    it("reach the host", async () => {
        const [host, bastion] = [await sshServer(), await sshServer({ onward: leadsOn })];
        const connection = { ...host.connection, proxy: bastion.connection };
        (await dial(connection, { signal: new AbortController().signal })).close();
        expect(host.taken()).toBe(1);
    });

    it("count the bastion's failures by its own limit", async () => {
        const bastion = { ...CLOSED, dialErrorLimit: 2 };
        expect(await fails({ ...CLOSED, proxy: bastion })).toBe(`proxy: after 2 failed attempts: ${REFUSED}`);
        expect(retries).toEqual([1, 2].map((n) => `Dial proxy ${n}/2 failed: retrying`));
        const { connection } = await sshServer();
        expect(await fails({ ...CLOSED, proxy: { ...connection, hostKey: await another() } })).toMatch(
            /^proxy: after 3 failed attempts: .* ssh: host key mismatch$/,
        );
        expect(await fails({ ...CLOSED, proxy: { ...connection, user: "out" } })).toMatch(
            /^proxy: after 3 failed attempts: .* ssh: unable to authenticate, /,
        );
    });

    it("go on over a channel that the first handshake has closed", async () => {
        const [host, bastion] = [await sshServer(), await sshServer({ onward: leadsOn })];
        const through = { ...host.connection, hostKey: await another(), proxy: bastion.connection };
        expect(await fails(through)).toBe("proxy: after 3 failed attempts: ssh: handshake failed: EOF");
        expect([host.taken(), bastion.taken()]).toEqual([1, 1]);
        expect(await fails({ ...through, dialErrorLimit: 0 })).toBe(
            "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        );
    });

    it("notice that the host closes the connection during the handshake, as at boot", async () => {
        const { connection: proxy } = await sshServer({
            onward: (accept) => {
                const channel = accept();
                channel.write("SSH-2.0-OpenSSH_10.0\r\n");
                // As sshd does, which waits for the other side before it closes the channel.
                channel.once("data", () => channel.eof());
            },
        });
        expect(await fails({ ...CLOSED, proxy }, { second: 1000 })).toBe(
            "proxy: after 3 failed attempts: ssh: handshake failed: EOF",
        );
    });

    it("are repeated if the host refuses the bastion", async () => {
        const { connection: proxy } = await sshServer({ onward: leadsOn });
        expect(await fails({ ...CLOSED, proxy })).toMatch(
            /^proxy: after 3 failed attempts: ssh: rejected: connect failed \(/,
        );
        expect(retries).toEqual([1, 2, 3].map((n) => `Dial from proxy ${n}/3 failed: retrying`));
    });

    it("have no time limit from the bastion on, and cannot be cancelled", async () => {
        const abort = new AbortController();
        let answered = false;
        const bastion = await sshServer({
            onward: (_, reject) => {
                abort.abort();
                // Ten times the limit of one attempt.
                setTimeout(() => {
                    answered = true;
                    reject();
                }, 100);
            },
        });
        const through = { ...CLOSED, perDialTimeout: 1, proxy: bastion.connection };
        expect(await fails(through, { signal: abort.signal })).toBe("proxy: context canceled");
        expect(answered).toBe(true);
        expect(retries).toEqual(["Dial from proxy 1/3 failed: retrying"]);
    });
});

describe("the SSH agent", () => {
    const given = { host: "127.0.0.1", user: "in", privateKey: "KEY" };

    it("is dialled first, even if there is a key", async () => {
        vi.stubEnv("SSH_AUTH_SOCK", "/nowhere/agent");
        onTestFinished(() => void vi.unstubAllEnvs());
        const { connection } = await sshServer();
        const { agentSocketPath } = toConnection(given);
        expect(await fails({ ...connection, agentSocketPath })).toBe(
            "dial unix /nowhere/agent: connect: no such file or directory",
        );
        const dir = mkdtempSync(join(tmpdir(), "agent-"));
        onTestFinished(() => rmSync(dir, { recursive: true }));
        await tcpServer(() => undefined, join(dir, "socket"));
        const signal = new AbortController().signal;
        (await dial({ ...connection, agentSocketPath: join(dir, "socket") }, { signal })).close();
    });

    it("is not used if the variable is empty", () => {
        vi.stubEnv("SSH_AUTH_SOCK", "");
        onTestFinished(() => void vi.unstubAllEnvs());
        expect(toConnection(given).agentSocketPath).toBeUndefined();
    });
});

it("an error names an unknown property of a connection, but no value", () => {
    const wrong = checkConnection({
        host: "127.0.0.1",
        privateKey: "SECRET",
        hots: "x",
        proxy: { host: 1, proxy: {} },
    });
    expect(wrong.map(({ property }) => property)).toEqual([
        "connection.hots",
        "connection.proxy.host",
        "connection.proxy.proxy",
    ]);
    expect(JSON.stringify(wrong)).not.toContain("SECRET");
});
