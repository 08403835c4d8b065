import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const START_MS = 300_000;

/** The component package's process, as the language host starts it. `root`: a checkout whose dist is built. */
export async function startPlugin(root: string): Promise<{ port: number; process: ChildProcess }> {
    const run = join(root, "node_modules/@pulumi/pulumi/cmd/run-plugin");
    const plugin = spawn(process.execPath, [run, join(root, "plugin"), "127.0.0.1:1"], { cwd: root });
    let problem = "";
    plugin.stderr.on("data", (data: Buffer) => (problem += data.toString()));
    const signal = AbortSignal.timeout(START_MS);
    try {
        const [line] = (await Promise.race([
            once(plugin.stdout, "data", { signal }),
            once(plugin, "exit", { signal }).then(() => Promise.reject(new Error("it ended"))),
        ])) as [Buffer];
        return { port: Number(line.toString()), process: plugin };
    } catch (error) {
        plugin.kill();
        throw new Error(`the component package's process does not start\n${problem}`, { cause: error });
    }
}
