import net from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";
import type { Settings } from "../settings/settings.ts";

const TIMEOUT_MS = 10_000;

/**
 * Refuses an SSH agent or a bastion that does not answer, before anything is created. The provider waits forever for a
 * silent bastion, and connects to the SSH agent even if it has a key. Skipped in a preview, which may run where neither
 * can be reached.
 * @throws RunError
 */
export async function checkConnection({ paused, bastionHost }: Settings): Promise<void> {
    if (pulumi.runtime.isDryRun() || isMocked() || paused) return;
    await Promise.all([
        checkAgent(process.env.SSH_AUTH_SOCK),
        bastionHost === "" ? undefined : checkBastion(bastionHost),
    ]);
}

export async function checkAgent(path = ""): Promise<void> {
    if (path === "" || process.platform === "win32") return;
    const fault = await faultOf(net.connect(path), "connect");
    if (fault === undefined) return;
    throw new pulumi.RunError(
        `SSH_AUTH_SOCK is ${path}, but no SSH agent answers there (${fault}), so no step can connect. Run \`env -u SSH_AUTH_SOCK pulumi up\`, or start the agent.`,
    );
}

export async function checkBastion(host: string, port = 22, timeoutMs = TIMEOUT_MS): Promise<void> {
    const fault = await faultOf(net.connect({ host, port }), "greet", timeoutMs);
    if (fault === undefined) return;
    throw new pulumi.RunError(
        fault === NO_SSH
            ? `bastionHost: port ${port} of ${host} is not an SSH server. Set bastionHost to the bastion, or correct its sshd.`
            : `bastionHost: ${host} does not answer on port ${port} (${fault}), so no step can connect. Start it, or allow the address from which you run pulumi.`,
    );
}

const NO_SSH = "no SSH";

/** Why a socket does not connect, or why its server does not greet like an SSH server; undefined if it does. */
function faultOf(socket: net.Socket, wanted: "connect" | "greet", timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
    return new Promise((resolve) => {
        const settle = (fault?: string) => {
            clearTimeout(timer);
            socket.destroy();
            resolve(fault);
        };
        const timer = setTimeout(settle, timeoutMs, "no answer");
        let received = "";
        socket.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
        socket.on("connect", () => {
            if (wanted === "connect") settle();
        });
        // An SSH server may send other lines before its version.
        socket.on("data", (chunk) => {
            received += chunk.toString("latin1");
            if (/^SSH-2\.0-/m.test(received)) settle();
        });
        socket.on("end", () => settle(NO_SSH));
    });
}
