import { execa } from "execa";
import { ConnectionError } from "./connection-error.ts";

/**
 * Runs a shell script as root on the machine, with these arguments, and gives what it prints.
 * @param ssh the ssh command up to the destination. @throws ConnectionError
 */
export async function runOverSsh(
    ssh: string[],
    script: string,
    args: readonly string[],
    timeoutMs: number,
): Promise<string> {
    const [file, ...options] = ssh as [string, ...string[]];
    const shell = ["sh", "-s", "--", ...args].join(" ");
    const command = `if [ "$(id -u)" = 0 ]; then ${shell}; else sudo -n ${shell}; fi`;
    const result = await execa(file, [...options, command], { reject: false, input: script, timeout: timeoutMs });
    if (!result.failed) return result.stdout;
    const said = result.stderr?.trim().split("\n").at(-1);
    const reason = result.timedOut ? `no answer within ${timeoutMs / 1000} s` : said || result.shortMessage;
    throw new ConnectionError(
        `the machine could not be asked over SSH: ${reason}`,
        "check the command of --ssh, that its user may use sudo without a password, and that your address belongs to sshAllowedCidrs",
    );
}
