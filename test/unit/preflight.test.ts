import { createServer } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { checkAgent, checkBastion, checkConnection } from "../../components/host/preflight.ts";
import type { Settings } from "../../components/settings/settings.ts";
import { sshServer, tcpServer } from "./ssh-servers.ts";

const HOST = "127.0.0.1";

describe("a bastion", () => {
    it("that answers as an SSH server is accepted", async () => {
        const { connection } = await sshServer();
        await expect(checkBastion(HOST, connection.port)).resolves.toBeUndefined();
    });

    it("that does not exist is reported at once", async () => {
        await expect(checkBastion(HOST, 1)).rejects.toThrow(
            "bastionHost: 127.0.0.1 does not answer on port 1 (ECONNREFUSED), so no step can connect. Start it, or allow the address from which you run pulumi.",
        );
    });

    it("that accepts the connection and stays silent is reported too, because the provider would wait forever", async () => {
        const port = await tcpServer(() => undefined);
        await expect(checkBastion(HOST, port, 50)).rejects.toThrow(/does not answer on port \d+ \(no answer\)/);
    });

    it("that is another kind of server is reported as such", async () => {
        const port = await tcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
        await expect(checkBastion(HOST, port)).rejects.toThrow(/port \d+ of 127\.0\.0\.1 is not an SSH server/);
    });
});

describe("before anything is created", () => {
    const settings = { paused: false, bastionHost: "" } as Settings;
    const stale = "SSH_AUTH_SOCK is /nowhere/agent, but no SSH agent answers there (ENOENT)";

    beforeEach(async () => {
        vi.stubEnv("SSH_AUTH_SOCK", "/nowhere/agent");
        await run(false);
    });
    afterEach(() => void vi.unstubAllEnvs());
    /** A run of the engine, as the program sees it. */
    const run = async (preview: boolean) => {
        const none = { id: undefined, state: {} };
        await pulumi.runtime.setMocks({ newResource: () => none, call: () => ({}) }, "p", "s", preview);
        Object.assign(pulumi.runtime.getMonitor()!, { registerResourceHook: () => undefined });
    };

    it("an agent that is gone is reported, even if there is a key", async () => {
        await expect(checkConnection(settings)).rejects.toThrow(`${stale}, so no step can connect. Run`);
    });

    it("nothing is checked in a preview, without a machine, or under mocks", async () => {
        await expect(checkConnection({ ...settings, paused: true })).resolves.toBeUndefined();
        await run(true);
        await expect(checkConnection(settings)).resolves.toBeUndefined();
        await pulumi.runtime.setMocks(
            { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
            "p",
            "s",
            false,
        );
        await expect(checkConnection(settings)).resolves.toBeUndefined();
    });

    it("an agent that answers is accepted, and so is none", async () => {
        const server = createServer().listen("\0linkmesh-test-agent");
        onTestFinished(() => void server.close());
        await expect(checkAgent("\0linkmesh-test-agent")).resolves.toBeUndefined();
        await expect(checkAgent("")).resolves.toBeUndefined();
    });
});
