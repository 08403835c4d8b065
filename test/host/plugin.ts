import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

/** The component package's process, as the language host starts it. `root`: a checkout whose dist is built. */
export async function startPlugin(root: string): Promise<{ port: number; process: ChildProcess }> {
    const run = join(root, "node_modules/@pulumi/pulumi/cmd/run-plugin");
    const plugin = spawn(process.execPath, [run, join(root, "plugin"), "127.0.0.1:1"], { cwd: root });
    const port = await new Promise<number>((resolve, reject) => {
        let problem = "";
        plugin.stderr.on("data", (data: Buffer) => (problem += data.toString()));
        plugin.stdout.once("data", (data: Buffer) => resolve(Number(data.toString())));
        plugin.once("exit", () => reject(new Error(problem)));
    });
    return { port, process: plugin };
}
