import { execa } from "execa";

/** The environment of every tool that the lab starts, without the user's variables such as proxies and CA bundles. */
export const CLEAN_ENV: Readonly<Record<string, string>> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C.UTF-8",
    HOME: "/root",
};

export interface ExecOptions {
    input?: string;
    env?: Record<string, string>;
    /** Called with each line of output. */
    onLine?: (line: string) => void;
}

/** Runs a tool to its end. An exit code other than 0 is a result. Rejects if there is no such tool. */
export async function tryExec(file: string, args: string[], { input = "", env, onLine }: ExecOptions = {}) {
    const pass = function* (line: unknown) {
        onLine?.(String(line));
        yield line;
    };
    const result = await execa(file, args, {
        extendEnv: false,
        env: { ...CLEAN_ENV, ...env },
        // Always set, because a tool that reads standard input would wait until it is closed.
        input,
        ...(onLine && { stdout: pass, stderr: pass }),
        stripFinalNewline: false,
        reject: false,
    });
    if (result.code === "ENOENT") throw new Error(`${file} is not installed`);
    return result;
}

/** Runs a tool and returns its standard output. If it fails, rejects with the end of its messages. */
export async function exec(file: string, args: string[], options?: ExecOptions): Promise<string> {
    const { failed, shortMessage = "", stdout, stderr } = await tryExec(file, args, options);
    if (!failed) return stdout;
    const end = (stderr.trim() || stdout.trim()).split("\n").slice(-5).join("\n");
    throw new Error(`${shortMessage.slice(0, 300)}: ${end}`);
}

/** Runs `ip` commands in one process, each a line without "ip". If a namespace is given, runs them inside it. */
export async function ipBatch(lines: string[], namespace?: string): Promise<void> {
    if (lines.length === 0) return;
    await exec("ip", [...(namespace ? ["-n", namespace] : []), "-batch", "-"], { input: lines.join("\n") + "\n" });
}
