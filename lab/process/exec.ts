import { spawn } from "node:child_process";

/** The environment of every tool that the lab starts: the user's own variables (proxies, CA bundles) must not leak in. */
export const CLEAN_ENV: Readonly<Record<string, string>> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C.UTF-8",
    HOME: "/root",
};

export interface ExecResult {
    /** Exit code; 128 and more when a signal ended it. */
    code: number;
    stdout: string;
    stderr: string;
}

export interface ExecOptions {
    input?: string;
    env?: Record<string, string>;
    cwd?: string;
    /** Called with each line of output as it comes. */
    onLine?: (line: string) => void;
}

/** Runs a tool to its end, whatever its exit code. Rejects only when it cannot be started. */
export function tryExec(file: string, args: string[], options: ExecOptions = {}): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, { cwd: options.cwd, env: { ...CLEAN_ENV, ...options.env }, stdio: "pipe" });
        let stdout = "";
        let stderr = "";
        let partial = "";
        const feed = (text: string) => {
            if (!options.onLine) return;
            const lines = (partial + text).split("\n");
            partial = lines.pop() ?? "";
            for (const line of lines) options.onLine(line);
        };
        child.stdout.setEncoding("utf8").on("data", (text: string) => ((stdout += text), feed(text)));
        child.stderr.setEncoding("utf8").on("data", (text: string) => ((stderr += text), feed(text)));
        child.on("error", reject);
        child.on("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
        // A tool that ends without reading its input is judged by its exit code, not by the broken pipe.
        child.stdin.on("error", () => undefined);
        child.stdin.end(options.input ?? "");
    });
}

/** Runs a tool and gives its standard output; rejects with the end of its messages when it fails. */
export async function exec(file: string, args: string[], options: ExecOptions = {}): Promise<string> {
    const result = await tryExec(file, args, options);
    if (result.code !== 0) {
        const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-5).join("\n");
        throw new Error(`${[file, ...args].join(" ").slice(0, 300)} failed (exit code ${result.code}): ${said}`);
    }
    return result.stdout;
}

/** Runs `ip` commands, one a line without the word "ip", in one process; inside the namespace when one is given. */
export async function ipBatch(lines: string[], namespace?: string): Promise<void> {
    if (lines.length === 0) return;
    await exec("ip", [...(namespace ? ["-n", namespace] : []), "-batch", "-"], { input: lines.join("\n") + "\n" });
}
