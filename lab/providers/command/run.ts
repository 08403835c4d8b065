import type ssh2 from "ssh2";
import { ProviderError } from "../provider.ts";
import type { Connection } from "./connection.ts";
import { dial } from "./dial.ts";

export type Stream = "stdout" | "stderr";

export interface RunOptions {
    command: string;
    stdin?: string;
    /** Set on the host; sshd refuses what AcceptEnv does not name, and that is an error. */
    environment?: Record<string, string>;
    /** Set on the host where sshd lets it. */
    optionalEnvironment?: Record<string, string>;
    /** Ends the connection. What the command has begun on the host goes on. */
    signal: AbortSignal;
    /** Seconds after which dialling gives up. The command itself has no limit, as with the real provider. */
    dialTimeoutSeconds?: number;
    onLine?: (stream: Stream, line: string) => void;
    onRetry?: (message: string) => void;
}

/** Runs a command over SSH. Fails as the real provider does: with the status, the command and all that it has said. */
export async function run(connection: Connection, options: RunOptions): Promise<Record<Stream, string>> {
    const { signal, dialTimeoutSeconds, onRetry } = options;
    const dialSignal = dialTimeoutSeconds
        ? AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutSeconds * 1000)])
        : signal;
    let dialled;
    try {
        dialled = await dial(connection, { signal: dialSignal, onRetry });
    } catch (error) {
        if (signal.aborted) throw cancelled();
        if (!dialSignal.aborted) throw error;
        throw new ProviderError(
            `dial ${connection.host}:${connection.port}: no connection within ${dialTimeoutSeconds} seconds`,
        );
    }
    const onAbort = () => dialled.client.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
        await probeEnvironment(dialled.client, options.environment ?? {});
        return await execute(dialled.client, options);
    } catch (error) {
        throw signal.aborted ? cancelled() : error;
    } finally {
        signal.removeEventListener("abort", onAbort);
        dialled.close();
    }
}

function execute(client: ssh2.Client, options: RunOptions): Promise<Record<Stream, string>> {
    const { command, stdin, onLine } = options;
    const env = { ...options.optionalEnvironment, ...options.environment };
    const output = { stdout: new Output(), stderr: new Output() };
    const everything: string[] = [];
    return new Promise((resolve, reject) => {
        const fail = (reason: string) =>
            reject(new ProviderError(`${reason}: running ${JSON.stringify(command)}:\n${everything.join("")}`));
        let exit: string | number | undefined;
        client.on("error", (error) => fail(error.message));
        client.once("close", () => fail("wait: the connection was lost"));
        client.exec(command, { env }, (error, channel) => {
            if (error) return fail(error.message);
            const collect = (name: Stream) => (chunk: string) => {
                everything.push(chunk);
                for (const line of output[name].add(chunk)) onLine?.(name, line);
            };
            channel.setEncoding("utf8").on("data", collect("stdout"));
            channel.stderr.setEncoding("utf8").on("data", collect("stderr"));
            channel.on("exit", (code: number | null, signal?: string) => (exit = code ?? `signal ${signal}`));
            channel.on("close", () => {
                for (const name of ["stdout", "stderr"] as const) {
                    const rest = output[name].rest();
                    if (rest) onLine?.(name, rest);
                }
                if (exit === 0) return resolve({ stdout: output.stdout.text(), stderr: output.stderr.text() });
                if (exit === undefined) return fail("wait: remote command exited without exit status or exit signal");
                fail(typeof exit === "number" ? `Process exited with status ${exit}` : `Process exited with ${exit}`);
            });
            // The command may end without reading all of its input.
            channel.on("error", () => undefined);
            channel.end(stdin ?? "");
        });
    });
}

/** sshd drops a refused variable in silence, so the host is asked what has arrived. */
async function probeEnvironment(client: ssh2.Client, environment: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(environment)) {
        const arrived = await new Promise<string>((resolve, reject) => {
            client.exec(`printenv ${name}`, { env: { [name]: value } }, (error, channel) => {
                if (error) return reject(error);
                let text = "";
                channel.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
                channel.on("close", () => resolve(text));
                channel.stderr.resume();
            });
        });
        if (arrived !== `${value}\n`) {
            throw new ProviderError(
                `could not set environment variable "${name}": this only works if the SSH server is configured to accept it ` +
                    `via AcceptEnv; otherwise prefix the command with the variables in the form 'VAR=value command'`,
            );
        }
    }
}

/** What one stream has said, cut into lines as they become complete. */
class Output {
    #chunks: string[] = [];
    #partial = "";

    add(chunk: string): string[] {
        this.#chunks.push(chunk);
        const lines = (this.#partial + chunk).split("\n");
        this.#partial = lines.pop()!;
        return lines;
    }

    rest(): string {
        return this.#partial;
    }

    /** Without one final newline. */
    text(): string {
        return this.#chunks.join("").replace(/\n$/, "");
    }
}

function cancelled(): ProviderError {
    return new ProviderError(
        "cancelled: the connection was ended, but what the command has begun on the host may go on",
    );
}
