import { remote } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { type ProvidersLab, type TestSshd, startSshd } from "./providers-harness.ts";

/** The stand-ins for the providers of keys and of commands over SSH, against a real sshd. */
export function keysAndCommands(on: ProvidersLab): void {
    let sshd: TestSshd;
    let login: Awaited<ReturnType<typeof generateKey>>;
    let connection: Record<string, pulumi.Input<string | number>>;

    beforeAll(async () => {
        login = await generateKey({ algorithm: "ED25519" });
        sshd = await startSshd(login.publicKeyOpenssh);
        connection = {
            host: "127.0.0.1",
            port: sshd.port,
            user: "root",
            privateKey: login.privateKeyOpenssh,
            hostKey: sshd.hostKey,
        };
    });

    afterAll(() => sshd?.stop());

    const step = (args: Partial<remote.CommandArgs>) => () => {
        const command = new remote.Command("step", {
            connection: connection as unknown as remote.CommandArgs["connection"],
            addPreviousOutputInEnv: false,
            ...args,
        });
        return Promise.resolve({ stdout: command.stdout });
    };

    it("keeps a private key secret and generates another one for another algorithm", async () => {
        const key = (algorithm: string) => () => {
            const made = new tls.PrivateKey("key", { algorithm });
            return Promise.resolve({ line: made.publicKeyOpenssh });
        };
        expect((await on.stack.up(key("ED25519"))).text).toContain("ssh-ed25519");
        expect(await on.stack.checkpoint()).not.toContain("PRIVATE KEY");
        expect((await on.stack.refresh("--expect-no-changes")).exitCode).toBe(0);
        expect((await on.stack.up(key("RSA"))).text).toContain("ssh-rsa");
    });

    it("runs nothing in a preview, then runs with stdin and shows its lines", async () => {
        const wish = step({ create: "cat; echo two >&2", stdin: "one\n", triggers: ["a"] });
        const preview = await on.stack.preview(wish);
        expect(preview.steps).toContain("create Command step");
        expect(preview.lines.join()).not.toContain("one");
        const up = await on.stack.up(wish);
        expect(up.text).toMatch(/stdout: "one"/);
        expect(up.lines).toEqual(expect.arrayContaining(["one", "two"]));
        expect(await on.stack.up(wish)).toMatchObject({ exitCode: 0, steps: [] });
    });

    it("shows a changed file as a diff and runs it in place", async () => {
        const wish = step({ create: "cat", stdin: "listen 80;\nlisten 443;\n", triggers: ["a"] });
        await on.stack.up(wish);
        const changed = step({ create: "cat", stdin: "listen 80;\nlisten 8443;\n", triggers: ["a"] });
        const preview = await on.stack.preview(changed);
        expect(preview.text).toMatch(/- listen 443;\s+\+ listen 8443;/);
        const up = await on.stack.up(changed);
        expect(up.steps).toEqual(["update Command step"]);
        expect(up.text).toContain("8443");
    });

    it("replaces on triggers, and prefers the update command for other changes", async () => {
        const replaced = await on.stack.up(
            step({ create: "cat", stdin: "listen 80;\nlisten 8443;\n", triggers: ["b"] }),
        );
        expect(replaced.steps).toContain("create-replacement Command step");
        const updated = await on.stack.up(step({ create: "echo created", update: "echo updated", triggers: ["b"] }));
        expect(updated.text).toContain("updated");
    });

    it("quotes the output of a failed command, and nothing of its stdin", async () => {
        const failed = await on.stack.up(
            step({ create: "echo out; echo err >&2; exit 7", stdin: "hush", triggers: ["b"] }),
        );
        expect(failed.exitCode).not.toBe(0);
        const text = failed.diagnostics.join("\n");
        expect(text).toContain('Process exited with status 7: running "echo out; echo err >&2; exit 7":');
        expect(text).toMatch(/out[\s\S]*err/);
        expect(failed.text).not.toContain("hush");
    });

    it("retries after another host key, too, until the limit of attempts", async () => {
        const other = await generateKey({ algorithm: "ED25519" });
        const good = connection;
        connection = { ...good, hostKey: other.publicKeyOpenssh, dialErrorLimit: 2 };
        const failed = await on.stack.up(step({ create: "true", triggers: ["b"] }));
        connection = good;
        expect(failed.diagnostics.join("\n")).toContain(
            "after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        );
        expect(failed.lines).toEqual(
            expect.arrayContaining(["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]),
        );
        expect(failed.text).not.toContain("PRIVATE KEY");
    });

    it("names the environment variable that the host refuses", async () => {
        const failed = await on.stack.up(step({ create: "env", environment: { FOO: "bar" }, triggers: ["b"] }));
        expect(failed.diagnostics.join("\n")).toContain('could not set environment variable "FOO"');
    });

    it("keeps the private key out of the message about a wrong connection", async () => {
        const good = connection;
        connection = { ...good, hots: "127.0.0.1" };
        const failed = await on.stack.preview(step({ create: "true", triggers: ["b"] }));
        connection = good;
        expect(failed.diagnostics.join("\n")).toContain("connection.hots: unknown property");
        expect(failed.text + failed.diagnostics.join()).not.toContain("PRIVATE KEY");
    });

    it("reaches a host through a bastion", async () => {
        const good = connection;
        connection = { ...good, proxy: { ...good } as never };
        const up = await on.stack.up(step({ create: "echo through", triggers: ["c"] }));
        connection = good;
        expect(up).toMatchObject({ exitCode: 0 });
        expect(up.text).toContain("through");
    });

    it("lets the running step finish when the operation is cancelled", async () => {
        const pids: number[] = [];
        const up = await on.stack.up(
            step({ create: "echo started; sleep 5; echo finished", triggers: ["d"] }),
            (line) => {
                if (line !== "started") return;
                pids.push(...on.stack.enginePids());
                for (const pid of pids) process.kill(pid, "SIGINT");
            },
        );
        expect(pids).toHaveLength(1);
        expect(up.exitCode).not.toBe(0);
        expect(await on.stack.checkpoint()).toContain('"stdout":"started\\nfinished"');
        await on.stack.destroy();
    });
}
