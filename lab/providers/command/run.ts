import { constants } from "node:os";
import type ssh2 from "ssh2";
import { ProviderError } from "../provider.ts";
import type { Connection } from "./connection.ts";
import { dial } from "./dial.ts";

export type Stream = "stdout" | "stderr";

/** The real provider cannot log a line of this many bytes. */
const LONG_LINE = 64 * 1024;

export interface RunOptions {
    command: string;
    stdin?: string;
    /** Variables to set on the host. sshd refuses what AcceptEnv does not name, which is an error here. */
    environment?: Record<string, string>;
    /** Variables to set on the host if sshd accepts them. */
    optionalEnvironment?: Record<string, string>;
    /** Ends the attempts to connect. As in the real provider, it does not stop a running command. */
    signal: AbortSignal;
    /** Seconds after which dialling gives up. As in the real provider, the command itself has no limit. */
    dialTimeoutSeconds?: number;
    /** The streams whose lines are logged. */
    logged: readonly Stream[];
    onLine: (line: string) => void;
    onRetry?: (message: string) => void;
}

/** Runs a command over SSH. As in the real provider, an error holds the status, the command and all of its output. */
export async function run(connection: Connection, options: RunOptions): Promise<Record<Stream, string>> {
    const { signal, dialTimeoutSeconds, onRetry } = options;
    const dialled = await dial(connection, {
        signal: dialTimeoutSeconds ? AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutSeconds * 1000)]) : signal,
        onRetry,
    });
    try {
        await probeEnvironment(dialled.client, options.environment ?? {});
        const { stdout, stderr } = await execute(dialled.client, options);
        return { stdout: text(stdout), stderr: text(stderr) };
    } finally {
        dialled.close();
    }
}

function execute(client: ssh2.Client, options: RunOptions): Promise<Record<Stream, Buffer[]>> {
    const { command, stdin, logged, onLine } = options;
    const env = { ...options.optionalEnvironment, ...options.environment };
    const output: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
    const everything: Buffer[] = [];
    const lines = new Lines(onLine);
    return new Promise((resolve, reject) => {
        const fail = (reason: string) =>
            reject(
                new ProviderError(
                    `${reason}: running ${JSON.stringify(command)}:\n${Buffer.concat(everything).toString()}`,
                ),
            );
        let exit: string | undefined;
        client.on("error", () => fail(UNKNOWN_EXIT));
        client.once("close", () => fail(UNKNOWN_EXIT));
        client.exec(command, { env }, (error, channel) => {
            if (error) return fail(error.message);
            const collect = (name: Stream) => (chunk: Buffer) => {
                everything.push(chunk);
                output[name].push(chunk);
                if (!logged.includes(name) || lines.add(chunk)) return;
                reject(new ProviderError(TOO_LONG));
                client.destroy();
            };
            channel.on("data", collect("stdout"));
            channel.stderr.on("data", collect("stderr"));
            channel.on("exit", (code: number | null, signal?: string) => (exit = exitText(code, signal)));
            channel.on("close", () => {
                lines.end();
                if (exit === "") resolve(output);
                else fail(exit ?? UNKNOWN_EXIT);
            });
            // The command may end without reading all of its input.
            channel.on("error", () => undefined);
            channel.end(stdin ?? "");
        });
    });
}

const TOO_LONG =
    "the command printed a line of 64 KiB or more to a logged stream: the real command provider 1.2.1 then waits forever";
const UNKNOWN_EXIT = "wait: remote command exited without exit status or exit signal";

/** Why a command failed; empty if it succeeded. */
function exitText(code: number | null, signal = ""): string {
    if (code !== null) return code === 0 ? "" : `Process exited with status ${code}`;
    const number = constants.signals[signal as NodeJS.Signals] ?? 0;
    return `Process exited with status ${128 + number} from signal ${signal.replace("SIG", "")}`;
}

/** The output without one final newline. The real provider can return only UTF-8. */
function text(chunks: Buffer[]): string {
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
            .decode(Buffer.concat(chunks))
            .replace(/\n$/, "");
    } catch {
        throw new ProviderError("grpc: error while marshaling: string field contains invalid UTF-8");
    }
}

/** Prints each variable on the host, because sshd drops a refused one silently. */
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

/** Splits logged output into lines. As in the real provider, both streams go into one. */
class Lines {
    #partial = Buffer.alloc(0);

    constructor(private readonly onLine: (line: string) => void) {}

    /** Returns false if a line is too long. */
    add(chunk: Buffer): boolean {
        this.#partial = Buffer.concat([this.#partial, chunk]);
        for (let end; (end = this.#partial.indexOf("\n")) >= 0; this.#partial = this.#partial.subarray(end + 1)) {
            if (end >= LONG_LINE) return false;
            this.onLine(this.#partial.toString("utf8", 0, end));
        }
        return this.#partial.length < LONG_LINE;
    }

    end(): void {
        if (this.#partial.length > 0) this.onLine(this.#partial.toString());
    }
}
