import { requireLab } from "../slots.ts";
import { runSsh } from "./machine.ts";

/** Opens a shell on the machine or runs a command there. Exits with ssh's exit code. */
export async function ssh(command: string[], { machine }: { machine?: string }): Promise<void> {
    process.exitCode = await runSsh(
        requireLab(),
        machine,
        command,
        command.length === 0 && process.stdin.isTTY ? ["-t"] : [],
    );
}
