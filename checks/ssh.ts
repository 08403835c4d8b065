import { execa } from "execa";
import { ConnectionError } from "./connection-error.ts";

const REFUSED =
    "sshAllowedCidrs lacks your address, the key is another (--key), the machine was replaced, or its user may not run sudo without a password; try it by hand with what this prints: `pulumi stack output sshCommand`";
const UNKNOWN_HOST =
    "ssh does not know the host key of the machine, or knows another: --stack takes it from the outputs; to tell ssh, put the address and what this prints into ~/.ssh/known_hosts: `pulumi stack output sshHostKey`";

/**
 * Runs a shell script as root on the machine and gives what it prints.
 * @param ssh the ssh command up to the destination
 * @throws ConnectionError
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
    const lastLine = result.stderr?.trim().split("\n").at(-1);
    const reason = result.timedOut ? `no answer within ${timeoutMs / 1000} s` : lastLine || (result.shortMessage ?? "");
    throw new ConnectionError(
        `the command over SSH failed: ${reason}`,
        /Host key verification failed/.test(reason) ? UNKNOWN_HOST : REFUSED,
    );
}
