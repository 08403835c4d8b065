import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { destinationOf } from "../../lab/commands/machine.ts";
import type { Connection } from "../../lab/providers/command/connection.ts";
import { dial } from "../../lab/providers/command/dial.ts";
import { type KeyTexts, generateKey } from "../../lab/providers/tls/keys.ts";

describe("the destination of an ssh command", () => {
    it.each([
        ["ssh -i linkmesh-proxy.key admin@203.0.113.10", "admin", "203.0.113.10"],
        ["ssh -i linkmesh-proxy.key -J jump@198.51.100.1 admin@10.0.0.5", "admin", "10.0.0.5"],
        ["ssh -o 'ProxyCommand=ssh -W %h:%p jump@b' admin@fd77::1", "admin", "fd77::1"],
        ["ssh host", undefined, undefined],
    ])("%s", (command, user, host) => {
        expect([destinationOf(command).user, destinationOf(command).host]).toEqual([user, host]);
    });
});

describe("a connection through a bastion", () => {
    let key: KeyTexts;
    let bastion: ssh2.Server;
    let proxy: Connection;
    let target: Connection;

    // It lets the user "in" in, and never says whether it reached the host.
    beforeAll(async () => {
        key = await generateKey({ algorithm: "ED25519" });
        bastion = new ssh2.Server({ hostKeys: [key.privateKeyOpenssh] }, (client) => {
            client.on("authentication", (attempt) => (attempt.username === "in" ? attempt.accept() : attempt.reject()));
            client.on("error", () => undefined);
            client.on("tcpip", () => undefined);
        });
        await new Promise<void>((resolve) => bastion.listen(0, "127.0.0.1", resolve));
        const { port } = bastion.address() as AddressInfo;
        const limits = { dialErrorLimit: 1, perDialTimeout: 1 };
        proxy = { host: "127.0.0.1", port, user: "in", privateKey: key.privateKeyOpenssh, ...limits };
        proxy.hostKey = key.publicKeyOpenssh;
        target = { ...proxy, host: "10.77.0.1", port: 22, proxy };
    });
    afterAll(() => new Promise<void>((resolve) => void bastion.close(() => resolve())));
    const fails = (connection: Connection) =>
        dial(connection, { signal: AbortSignal.timeout(10_000) }).then(
            () => "",
            (error: Error) => error.message,
        );

    it("gives up on a host that does not answer", async () => {
        expect(await fails(target)).toBe("after 1 failed attempts: dial 10.77.0.1:22: timed out");
    });

    it("takes a key in PKCS #8 form as well", async () => {
        const login = { ...proxy, privateKey: key.privateKeyPemPkcs8 };
        (await dial(login, { signal: AbortSignal.timeout(10_000) })).close();
        expect(await fails({ ...login, privateKey: "-----BEGIN PRIVATE KEY-----" })).toMatch(
            /^connection to 127\.0\.0\.1: /,
        );
    });

    it("says so when it is the bastion that refuses", async () => {
        expect(await fails({ ...target, proxy: { ...proxy, user: "out" } })).toMatch(
            /^after 1 failed attempts: dial 10\.77\.0\.1:22: bastion 127\.0\.0\.1:\d+: All configured authentication/,
        );
    });

    it("pins the bastion's key", async () => {
        const { publicKeyOpenssh } = await generateKey({ algorithm: "ED25519" });
        expect(await fails({ ...target, proxy: { ...proxy, hostKey: publicKeyOpenssh } })).toContain(
            `the host key of 127.0.0.1:${proxy.port} is not the one`,
        );
    });
});
