/** The command provider's errors and what each means. The first match counts. */
const CONNECTION_ERRORS: readonly [RegExp, string][] = [
    [
        /dial unix /,
        "SSH_AUTH_SOCK is set, but no SSH agent answers there: run `env -u SSH_AUTH_SOCK pulumi up`, or start the agent",
    ],
    // Connecting to the bastion.
    [
        /^proxy: .*dial tcp/,
        "bastionHost does not answer on port 22: start it, or have it accept connections from the address where you run this",
    ],
    [
        /^proxy: .*host key mismatch/,
        "bastionHost does not have bastionHostKey: another host answers there, or its key was changed; correct bastionHost or bastionHostKey",
    ],
    [
        /^proxy: .*unable to authenticate/,
        "bastionHost refuses bastionUser with bastionPrivateKey: correct one of the two",
    ],
    // Connecting from the bastion to the machine.
    [
        /^proxy: .*administratively prohibited/,
        "bastionHost forwards no connections: allow it with AllowTcpForwarding in its sshd_config",
    ],
    [
        /^proxy: .*\(Connection refused\)/,
        "bastionHost reaches the machine, but nothing listens on its port 22: check the machine's sshd, or wait until it has booted",
    ],
    [
        /^proxy: .*(rejected: connect failed|deadline exceeded)/,
        "bastionHost does not reach the machine's port 22: add the bastion's address to sshAllowedCidrs",
    ],
    [
        /^proxy: .*handshake failed/,
        "the machine behind bastionHost has another host key or refuses the login key, or bastionHost hangs up after several wrong logins: wait a minute and try again, then compare `ssh-keyscan` there with the output sshHostKey",
    ],
    // Connecting without a bastion.
    [
        /host key mismatch/,
        "the machine has another host key than the output sshHostKey: another machine answers at its address, or its keys were changed; restore them, or replace the machine",
    ],
    [
        /unable to authenticate/,
        "the machine refuses the login key: its authorized_keys were changed; restore the key, or replace the machine",
    ],
    [
        /handshake failed/,
        "the machine's sshd hangs up, as it does after several logins with a wrong key: see `journalctl -u ssh` there",
    ],
    // The provider connects to this computer if the address is empty.
    [
        /dial tcp :\d/,
        "the machine has no public address, as while it is stopped: start it and run `pulumi up --refresh`, or replace it",
    ],
    [/connection refused/, "nothing listens on the machine's port 22: check its sshd, or wait until it has booted"],
    [
        /dial tcp|deadline exceeded/,
        "the machine does not answer: check that it runs and that sshAllowedCidrs includes the address where you run this",
    ],
    // While a step runs.
    [
        /^wait: /,
        "the connection to the machine was lost while the step ran: run pulumi up again, it goes on from there",
    ],
];

/** What a connection error means and what to do; undefined for an error of the step itself. */
export function explainConnectionError(error: string): string | undefined {
    const [line = ""] = error.replace(/^error: /, "").split("\n");
    if (line.startsWith("Process exited")) return undefined;
    const text = line.replace(/: running ".*/, "");
    const explanation = CONNECTION_ERRORS.find(([pattern]) => pattern.test(text))?.[1];
    return explanation && `${explanation} (${text})`;
}
