import type ssh2 from "ssh2";
import { expect, it } from "vitest";
import { type RunOptions, run } from "../../lab/providers/command/run.ts";
import { sshServer } from "./ssh-servers.ts";

// The words of pulumi-resource-command 1.2.1, against which the same cases were run.

const lines: string[] = [];

/** The result of a command, or its error. */
async function given(
    exec: (channel: ssh2.ServerChannel, client: ssh2.Connection) => void,
    options: Partial<RunOptions> = {},
): Promise<unknown> {
    lines.length = 0;
    const { connection } = await sshServer({ exec: (channel, _, client) => exec(channel, client) });
    const signal = new AbortController().signal;
    const onLine = (line: string) => lines.push(line);
    return run(connection, { command: "x", signal, logged: ["stdout", "stderr"], onLine, ...options }).catch(
        (error: Error) => error.message,
    );
}

/** Ssh2's types have an exit only with a status. */
type Exit = (end: number | string) => void;

const says =
    (stdout: string | Buffer, stderr = "", end: number | string = 0) =>
    (channel: ssh2.ServerChannel) => {
        channel.write(stdout);
        channel.stderr.write(stderr);
        (channel.exit.bind(channel) as Exit)(end);
        channel.end();
    };

it("returns both streams without their last line's end", async () => {
    expect(await given(says("one\ntwo\n", "three"))).toEqual({ stdout: "one\ntwo", stderr: "three" });
});

it("reports status and signal, with all output", async () => {
    expect(await given(says("out\n", "", 7))).toBe('Process exited with status 7: running "x":\nout\n');
    expect(await given(says("", "", "KILL"))).toBe('Process exited with status 137 from signal KILL: running "x":\n');
});

it("reports a lost connection", async () => {
    const lost = await given((channel, client) => {
        channel.write("half");
        setTimeout(() => client.end(), 20);
    });
    expect(lost).toMatch(/^wait: remote command exited without exit status or exit signal: running "x":\n/);
});

it("fails where the real provider hangs: at a logged line of 64 KiB", async () => {
    const long = says(`${"x".repeat(65_536)}\n`);
    expect(await given(long)).toMatch(/^the command printed a line of 64 KiB or more to a logged stream: /);
    expect(await given(long, { logged: ["stderr"] })).toMatchObject({ stdout: "x".repeat(65_536) });
    expect(await given(says(`${"x".repeat(65_535)}\n`))).toMatchObject({ stderr: "" });
    expect(lines).toEqual(["x".repeat(65_535)]);
});

it("cannot return output that is not UTF-8", async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x0a]);
    expect(await given(says(bytes))).toBe("grpc: error while marshaling: string field contains invalid UTF-8");
    expect(await given(says(bytes, "", 3))).toBe('Process exited with status 3: running "x":\na\ufffd\n');
});

it("waits for a running command even after a cancellation", async () => {
    const abort = new AbortController();
    const finished = await given(
        (channel) => {
            abort.abort();
            setTimeout(() => says("finished")(channel), 50);
        },
        { signal: abort.signal },
    );
    expect(finished).toMatchObject({ stdout: "finished" });
});
