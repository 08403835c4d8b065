import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";

/** How the command provider's errors begin, and what each means: the first that matches counts. */
const CAUSES: [RegExp, string][] = [
    [
        /dial unix /,
        "SSH_AUTH_SOCK is set, but no SSH agent answers there: run `env -u SSH_AUTH_SOCK pulumi up`, or start the agent",
    ],
    // On the way to the bastion.
    [
        /^proxy: .*dial tcp/,
        "bastionHost does not answer on port 22: start it, or let in the address from which you run this",
    ],
    [
        /^proxy: .*host key mismatch/,
        "bastionHost does not have bastionHostKey: another host answers there, or its keys are new; set the right one of them",
    ],
    [
        /^proxy: .*unable to authenticate/,
        "bastionHost does not let bastionUser in with bastionPrivateKey: set the right ones",
    ],
    // From the bastion on.
    [
        /^proxy: .*administratively prohibited/,
        "bastionHost forwards no connections: allow it in its sshd_config, by AllowTcpForwarding",
    ],
    [
        /^proxy: .*\(Connection refused\)/,
        "nothing listens on the machine's port 22, to which bastionHost leads: look at its sshd, or wait until it has booted",
    ],
    [
        /^proxy: .*(rejected: connect failed|deadline exceeded)/,
        "bastionHost does not reach the machine's port 22: sshAllowedCidrs has to hold the address with which the bastion comes",
    ],
    [
        /^proxy: .*handshake failed/,
        "the machine behind bastionHost has another host key or refuses the login key, or bastionHost hangs up after several wrong logins: wait a minute and try again, then compare `ssh-keyscan` there with the output sshHostKey",
    ],
    // Without one.
    [
        /host key mismatch/,
        "the machine does not have the host key of the output sshHostKey: another one answers at its address, or its keys were changed; put them back, or replace the machine",
    ],
    [
        /unable to authenticate/,
        "the machine refuses the login key: its authorized_keys were changed; put the key back, or replace the machine",
    ],
    [
        /handshake failed/,
        "the machine's sshd hangs up, as it does after several logins with a wrong key: see `journalctl -u ssh` there",
    ],
    [/connection refused/, "nothing listens on the machine's port 22: look at its sshd, or wait until it has booted"],
    [
        /dial tcp|deadline exceeded/,
        "the machine does not answer: check that it runs and that sshAllowedCidrs holds the address from which you run this",
    ],
    // While a step runs.
    [
        /^wait: /,
        "the connection to the machine was lost while the step ran: run pulumi up again, it goes on from there",
    ],
];

/** What an error of a step means and what to do, if it is one of the connection; undefined for the step's own. */
export function causeOf(error: string): string | undefined {
    const [line = ""] = error.replace(/^error: /, "").split("\n");
    if (line.startsWith("Process exited")) return undefined;
    const text = line.replace(/: running ".*/, "");
    const cause = CAUSES.find(([pattern]) => pattern.test(text))?.[1];
    return cause && `${cause} (${text})`;
}

/** The warnings in what a step has printed. */
export function warningsOf(output: unknown): string[] {
    if (typeof output !== "string") return [];
    return output.split("\n").flatMap((line) => /^warning: (.*)/.exec(line)?.[1] ?? []);
}

/**
 * Whether the step is to run once more. A machine restarts its sshd while it boots, and through a bastion the provider
 * tries each further time on the connection that this has cut.
 * @param errors the newest first.
 */
export function isWorthAgain(errors: readonly string[]): boolean {
    return errors.length === 1 && /^(error: )?proxy: .*ssh: handshake failed: (EOF|read)/.test(errors[0]!);
}

/**
 * What the CLI does not show by itself: a step's warnings, of which nothing is left when it is done, and why it cannot
 * connect. A step that does not run says nothing again. The parent says it, as the step itself has no URN yet: what is
 * said of a resource waits for that, and the engine for the hook.
 * @param secret what the step prints may hold a secret: its warnings are not told.
 */
export function stepHooks(name: string, step: string, secret: boolean, parent: pulumi.Resource) {
    if (isMocked()) return {};
    // Bound to this run: hooks are called from outside of it, where a process that makes several runs has no engine.
    const warn = AsyncResource.bind(async ({ newOutputs }: pulumi.ResourceHookArgs) => {
        for (const warning of warningsOf(newOutputs?.stdout)) await pulumi.log.warn(`step ${step}: ${warning}`, parent);
    });
    const explain = AsyncResource.bind(async ({ errors }: pulumi.ErrorHookArgs) => {
        if (isWorthAgain(errors)) return true;
        const cause = causeOf(errors[0] ?? "");
        if (cause !== undefined) await pulumi.log.error(`step ${step}: ${cause}`, parent);
        return false;
    });
    const onError = [new pulumi.ErrorHook(`${name}-error`, explain)];
    if (secret) return { onError };
    const after = [new pulumi.ResourceHook(`${name}-warnings`, warn, { ignoreErrors: true })];
    return { onError, afterCreate: after, afterUpdate: after };
}
